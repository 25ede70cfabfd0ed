import { describe, expect, it } from 'vitest'
import type { Target } from '../../src/ports/target.js'
import { openCutter, type Side } from '../support/cutter.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { type TempFolder, tempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { imapTargetAt, servers } from './imap-scene.js'
import { run } from './run.js'
import { thorough } from './scene.js'
import { compare, count } from './tally.js'

/** Small, so that each octet of a dialogue can be the last one. */
const messages = [
  'Subject: one\r\n\r\nA9 LOGOUT\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  ...['one', 'two'].map((word) => `Message-ID: <same@example>\r\nSubject: same\r\n\r\n${word}\r\n`),
]

const timeouts = { connect: 5000, reply: 5000, stall: 5000, settle: 20 }

const kinds: readonly (readonly [string, FakeImapOptions])[] = [...servers, ['with TLS', { tls: 'starttls' }]]

const ways: readonly (readonly [Side, 'close' | 'reset'])[] = [
  ['server', 'close'],
  ['client', 'close'],
  ['client', 'reset'],
]

describe.each(kinds)('an upload that is cut behind every octet, to a server %s', (_, options) => {
  const copy = async (pop: FakePop3Server, folder: TempFolder, target: Target): ReturnType<typeof run> =>
    run(pop, folder, new Steps(), { targets: [], more: [{ name: 'imap', target }] })

  it.for(ways)(
    'of the %s, by a %s: each message exactly once',
    { timeout: 3_600_000 },
    async ([side, how], context) => {
      await using pop = await FakePop3Server.start({ messages })
      let octets = Infinity
      // The whole in `npm run test:fault`.
      for (let last = -1; last < octets; last += last < 0 || thorough ? 1 : Math.ceil(octets / 6)) {
        await using server = await FakeImapServer.start(options)
        await using folder = await tempFolder()
        await using cutter = await openCutter(server.port)
        const when = `cut behind octet ${last} of the ${side}`
        if (last >= 0) {
          cutter.after(
            last,
            () => {
              cutter.cut(how)
            },
            side,
          )
        }
        const first = await copy(pop, folder, imapTargetAt(server, { port: cutter.port, folder: 'Moved', timeouts }))
        expect(
          first.accounts.flatMap(({ faults }) => faults).filter(({ code }) => code === 'internal'),
          when,
        ).toEqual([])
        if (last < 0) octets = cutter.passed(side)
        const again = await copy(pop, folder, imapTargetAt(server, { port: cutter.port, folder: 'Moved', timeouts }))
        expect(again.accounts[0]?.faults, when).toEqual([])
        const stored = server.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
        const checked = compare(stored, messages)
        expect(checked, when).toMatchObject({ lost: 0, doubled: 0 })
        count(context, { cuts: cutter.disturbed ? 1 : 0, ...checked })
        const third = await copy(pop, folder, imapTargetAt(server, { port: cutter.port, folder: 'Moved', timeouts }))
        expect(third.counts, when).toMatchObject({ copied: 0, present: messages.length, failed: 0 })
      }
      expect(octets).toBeGreaterThan(300)
    },
  )
})
