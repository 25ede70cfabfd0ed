import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { openCutter, type Side } from '../support/cutter.js'
import { Steps } from '../support/steps.js'
import type { TempFolder } from '../support/rig.js'
import { run } from './run.js'
import { fresh, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

/** Small, so that each octet of a dialogue can be the last one. */
const messages = [
  'Subject: one\r\n\r\nFrom here\r\n.dot\r\n..\r\n.\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: bare\r\n\r\na\nFrom b\n\r\n',
]

interface Kind {
  readonly tls: 'none' | 'implicit' | 'starttls'
  readonly pipelining: 'on' | 'off'
  /** Deletes at the source what is copied. */
  readonly deletes: boolean
}

const kinds: readonly Kind[] = [
  { tls: 'none', pipelining: 'on', deletes: false },
  { tls: 'none', pipelining: 'off', deletes: true },
  { tls: 'starttls', pipelining: 'on', deletes: true },
  { tls: 'implicit', pipelining: 'off', deletes: false },
]

const ways: readonly (readonly [Side, 'close' | 'reset'])[] = [
  ['server', 'close'],
  ['server', 'reset'],
  ['client', 'close'],
]

describe.each(kinds)('cut behind every octet, tls $tls, pipelining $pipelining, deleting $deletes', (kind) => {
  let server: FakePop3Server
  beforeAll(async () => {
    server = await FakePop3Server.start({ messages, tls: kind.tls })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  async function copy(folder: TempFolder, port: number): ReturnType<typeof run> {
    const { tls, tlsOptions } = server.source()
    const source = { port, pipelining: kind.pipelining, tls, ...(tlsOptions !== undefined && { tlsOptions }) }
    return run(server, folder, new Steps(), { source, ...(kind.deletes && { deleteAfter: 0 }) })
  }

  it.for(ways)(
    'of the %s, by a %s: each message exactly once',
    { timeout: 3_600_000 },
    async ([side, how], context) => {
      const octets = await octetsOf(side)
      expect(octets).toBeGreaterThan(100)
      // The whole in `npm run test:fault`.
      const stride = thorough ? 1 : Math.ceil(octets / 5)
      for (let last = 0; last < octets; last += stride) {
        server.messages = messages
        await using folder = await fresh()
        await using cutter = await openCutter(server.port)
        cutter.after(
          last,
          () => {
            cutter.cut(how)
          },
          side,
        )
        const when = `cut behind octet ${last} of the ${side}`
        const first = await copy(folder, cutter.port)
        expect(
          first.accounts.flatMap(({ faults }) => faults).filter(({ code }) => code === 'internal'),
          when,
        ).toEqual([])
        const again = await copy(folder, cutter.port)
        expect(again.accounts[0]?.faults, when).toEqual([])
        count(context, { cuts: cutter.disturbed ? 1 : 0, ...(await requireExact(folder, messages)) })
        const third = await copy(folder, server.port)
        expect(third.counts, when).toMatchObject({ copied: 0, failed: 0 })
        // What a lost QUIT did not delete may take one more.
        if (kind.deletes) expect(server.messages, when).toEqual([])
      }
    },
  )

  async function octetsOf(side: Side): Promise<number> {
    server.messages = messages
    await using folder = await fresh()
    await using cutter = await openCutter(server.port)
    const outcome = await copy(folder, cutter.port)
    expect(outcome.counts).toMatchObject({ listed: 4, copied: 4, failed: 0 })
    return cutter.passed(side)
  }
})
