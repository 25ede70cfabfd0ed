import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import type { Session } from '../../src/ports/source.js'
import { type Peer, ScriptServer } from '../pop3/script-server.js'
import { fetch, greeted, maildrop, never, sourceAt } from '../sources/maildrop.js'
import { type Action, close, cutAfter, reset, silently, stall, upTo } from '../support/fake-actions.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import type { ImapScript } from '../support/fake-imap-session.js'
import { FakePop3Server, type Hooks } from '../support/fake-pop3-server.js'
import { readMaildir, tempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { imapTargetAt } from './imap-scene.js'
import { type Circumstances, run } from './run.js'
import { compare } from './tally.js'

const messages = ['one', 'two', 'three'].map((word) => `Subject: ${word}\r\n\r\n${word}\r\n`)
const timeouts = { connect: 250, reply: 250, stall: 250, settle: 20 }
/** All waits of a run and of the next one, on a machine that is busy. */
const longestMs = 20_000

type Event = Exclude<keyof Hooks, 'any'>
const events: readonly Event[] = ['greeting', 'CAPA', 'AUTH', 'STAT', 'LIST', 'UIDL', 'RETR', 'NOOP', 'DELE', 'QUIT']

describe.each(['on', 'off'])('a POP3 server that fails once, pipelining %s', (pipelining) => {
  async function survives(hooks: Hooks): Promise<ReturnType<typeof compare>> {
    await using server = await FakePop3Server.start({ messages, hooks })
    await using folder = await tempFolder()
    const began = performance.now()
    const circumstances: Circumstances = {
      source: { pipelining },
      timeouts,
      targets: ['maildir'],
      deleteAfter: 0,
    }
    const first = await run(server, folder, new Steps(), circumstances)
    expect(first.accounts.flatMap(({ faults }) => faults).filter(({ code }) => code === 'internal')).toEqual([])
    server.hooks = {}
    const again = await run(server, folder, new Steps(), circumstances)
    expect(again.accounts[0]?.faults).toEqual([])
    expect(performance.now() - began).toBeLessThan(longestMs)
    // What a lost QUIT did not delete may take one more.
    await run(server, folder, new Steps(), circumstances)
    expect(server.messages).toEqual([])
    const stored = await readMaildir(folder.at('maildir'))
    return compare(
      stored.map(({ bytes }) => String(bytes)),
      messages.map((message) => message.replaceAll('\r\n', '\n')),
    )
  }

  const once =
    (...actions: readonly Action[]) =>
    ({ count }: { readonly count: number }) =>
      count === 1 ? actions : undefined

  it.each<[string, readonly Action[]]>([
    ['is silent', [stall]],
    ['stops in the middle of its reply', [upTo(2), stall]],
    ['acts and does not answer', [silently, stall]],
    ['hangs up instead of its reply', [close]],
    ['hangs up in the middle of it', cutAfter(3)],
    ['resets the connection', [reset]],
  ])(
    'CON-10, SES-11, PRC-08 %s, at each of its replies: nothing is lost, nothing is there twice',
    async (_, actions) => {
      const each = events.map(async (event) => {
        expect(await survives({ [event]: once(...actions) }), event).toMatchObject({ lost: 0, doubled: 0 })
      })
      await Promise.all(each)
    },
    60_000,
  )
})

it('CAP-04, RET-21 a server that offers PIPELINING and loses what comes while it sends: all is copied without', async () => {
  const many = Array.from({ length: 60 }, (_, index) => `Subject: ${index}\r\n\r\n${'text\r\n'.repeat(index)}`)
  await using server = await FakePop3Server.start({ messages: many, pipelining: false })
  await using folder = await tempFolder()
  const outcome = await run(server, folder, new Steps(), { timeouts, targets: ['maildir'] })
  expect(outcome).toMatchObject({ counts: { copied: 60, failed: 0 }, accounts: [{ faults: [] }] })
  expect(server.sessions.length).toBeGreaterThan(1)
  expect(await readMaildir(folder.at('maildir'))).toHaveLength(60)
})

/** Sends 200 MB without a line end, unless somebody hangs up. */
class Flood {
  octets = 0

  readonly from = async (start: string, peer: Peer): Promise<void> => {
    const chunk = Buffer.alloc(256 * 1024, 'x')
    await peer.send(start)
    for (; !peer.closed && this.octets < 200_000_000; this.octets += chunk.length) await peer.send(chunk)
  }
}

describe.each(['on', 'off'])('CON-05 200 MB without a line end, pipelining %s: little of it is taken', (pipelining) => {
  it.each<[string, string, string]>([
    ['greeting', '+OK ', 'protocol'],
    ['greeting', 'HTTP/1.1 ', 'protocol'],
    ['CAPA', '+OK ', 'protocol'],
    ['CAPA', '+OK\r\n', 'protocol'],
    ['USER', '+OK ', 'protocol'],
    ['PASS', '-ERR ', 'protocol'],
    ['STAT', '+OK ', 'protocol'],
    ['LIST', '+OK\r\n1 ', 'protocol'],
    ['UIDL', '+OK\r\n1 ', 'protocol'],
    ['RETR', '-ERR ', 'protocol'],
  ])('at %s behind %j', async (event, start, code) => {
    const flood = new Flood()
    const honest = maildrop(messages)
    await using server = await ScriptServer.start(async (peer) => {
      if (event === 'greeting') await flood.from(start, peer)
      else await greeted({ ...honest, [event]: async () => flood.from(start, peer) })(peer, 1)
    })
    const { source } = sourceAt(server.port, { pipelining })
    const session = await source.connect(never).catch((error: unknown) => error as Fault)
    const error = session instanceof Fault ? session : await read(session)
    expect(error).toMatchObject({ code })
    // What the system's buffers hold.
    expect(flood.octets).toBeLessThan(20_000_000)
  })

  async function read(session: Session): Promise<unknown> {
    const { error } = await fetch(session).catch((error: unknown) => ({ error }))
    await session[Symbol.asyncDispose]()
    return error
  }
})

describe('an IMAP server that falls silent once', () => {
  const commands = ['greeting', 'CAPABILITY', 'AUTHENTICATE', 'NAMESPACE', 'SELECT', 'CREATE', 'STATUS', 'LOGOUT']
  it.each<[string, ImapScript]>([
    ['before it acts', {}],
    ['when it has acted', { act: true }],
  ])(
    '%s, at each command: nothing is lost, nothing is there twice',
    async (_, script) => {
      const each = [...commands, 'APPEND', 'UID FETCH'].map(async (event) => {
        let left = 1
        const hooks = { [event]: () => (left-- > 0 ? script : undefined) }
        await using pop = await FakePop3Server.start({ messages })
        await using server = await FakeImapServer.start({ hooks })
        await using folder = await tempFolder()
        for (const lied of [true, false]) {
          const target = imapTargetAt(server, { timeouts, folder: 'Moved' })
          const outcome = await run(pop, folder, new Steps(), { targets: [], more: [{ name: 'imap', target }] })
          if (!lied) expect(outcome.accounts[0]?.faults, event).toEqual([])
        }
        const stored = server.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
        expect(compare(stored, messages), event).toMatchObject({ lost: 0, doubled: 0 })
      })
      await Promise.all(each)
    },
    60_000,
  )
})
