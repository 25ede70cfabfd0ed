import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Target } from '../../src/ports/target.js'
import { rewrite } from '../support/fake-actions.js'
import type { Moment, Script } from '../support/fake-dialogue.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { openLiar } from '../support/liar.js'
import { readMaildir, type TempFolder, tempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { fuzz, fuzzTimeout, mutated, type Mutation, mutation, mutations, seed } from './fuzz.js'
import { imapTargetAt, servers } from './imap-scene.js'
import { run } from './run.js'

/** The first two are twins; no two lengths are the same otherwise. */
const messages = ['twin', 'twin', 'third message', 'and a fourth one'].map(
  (text) => `Subject: ${text}\r\n\r\n${text}\r\n.dot\r\n`,
)
/** Of a server that is silent because something was swallowed on the way. */
const timeouts = { connect: 500, reply: 150, stall: 150, settle: 20 }

interface Lie {
  /** Which reply of the server, from 0. */
  readonly turn: number
  readonly changes: readonly Mutation[]
}

const lies = fc.array(fc.record({ turn: fc.integer({ min: 0, max: 14 }), changes: mutations }), {
  minLength: 1,
  maxLength: 3,
})

/** Changes what the server says; of a message only the status line, since a changed message is the one that it has. */
function lying(all: readonly Lie[]): (moment: Moment) => Script {
  let turn = -1
  return ({ event }) => {
    turn++
    const changes = all.filter((lie) => lie.turn === turn).flatMap((lie) => lie.changes)
    if (changes.length === 0) return undefined
    return rewrite((reply) => {
      if (event !== 'RETR') return mutated(reply, changes)
      const end = reply.indexOf('\r\n')
      const line = mutated(reply.subarray(0, end), changes)
        .toString('latin1')
        .replaceAll(/[\r\n]/g, '_')
      return Buffer.concat([Buffer.from(line, 'latin1'), reply.subarray(end)])
    })
  }
}

/** How many of what was sent are not among what was found. */
function lost(found: readonly string[]): number {
  const left = [...found]
  return messages.filter((one) => {
    const at = left.indexOf(one)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  }).length
}

type Outcome = Awaited<ReturnType<typeof run>>
const codes = ({ accounts }: Outcome): readonly string[] =>
  accounts.flatMap(({ faults }) => faults).map(({ code, message }) => `${code}: ${message}`)

/** A run that is lied to, then honest ones, until one has nothing left to do; the last one must be content. */
async function settle(go: (lied: boolean) => Promise<Outcome>): Promise<void> {
  expect(codes(await go(true)).filter((code) => code.startsWith('internal'))).toEqual([])
  for (let rest = 3; ; rest--) {
    const outcome = await go(false)
    if (outcome.counts.copied > 0 && rest > 0) continue
    expect(codes(outcome)).toEqual([])
    expect(outcome.counts).toMatchObject({ copied: 0, present: messages.length, failed: 0 })
    return
  }
}

describe(`a server whose words are changed on the way, seed ${seed}`, () => {
  it.each(['on', 'off'])(
    'POP3, pipelining %s: ends, without a bug, and nothing is lost',
    async (pipelining) => {
      await using server = await FakePop3Server.start({ messages })
      await fuzz(lies, 12, async (all) => {
        await using folder = await tempFolder()
        const targets = ['maildir']
        await settle(async (lied) => {
          server.hooks = lied ? { any: lying(all) } : {}
          return run(server, folder, new Steps(), { batches: 'small', source: { pipelining }, targets, timeouts })
        })
        const stored = await readMaildir(folder.at('maildir'))
        expect(lost(stored.map(({ bytes }) => String(bytes).replaceAll('\n', '\r\n')))).toBe(0)
      })
    },
    fuzzTimeout,
  )

  it.each(servers)(
    'IMAP %s: ends, without a bug, and nothing is lost',
    async (_, options) => {
      await using pop = await FakePop3Server.start({ messages })
      const made = fc.array(mutation, { minLength: 1, maxLength: 3 })
      await fuzz(made, 8, async (changes) => {
        await using server = await FakeImapServer.start(options)
        await using liar = await openLiar(server.port, 1200)
        await using folder = await tempFolder()
        await settle(async (lied) => {
          liar.changes = lied ? changes : []
          return upload(pop, folder, imapTargetAt(server, { port: liar.port, folder: 'INBOX', timeouts }))
        })
        const stored = server.store.messages('INBOX').map(({ bytes }) => bytes.toString('latin1'))
        expect(lost(stored)).toBe(0)
      })
    },
    fuzzTimeout,
  )
})

async function upload(pop: FakePop3Server, folder: TempFolder, target: Target): ReturnType<typeof run> {
  return run(pop, folder, new Steps(), { batches: 'small', targets: [], more: [{ name: 'imap', target }] })
}
