import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  cutAfter,
  delay,
  honest,
  kill,
  reset,
  rewrite,
  segment,
  send,
  silently,
  stall,
  upTo,
} from '../support/fake-actions.js'
import { close } from '../support/fake-actions.js'
import { FakePop3Server, type FakeOptions } from '../support/fake-pop3-server.js'
import { RawClient } from './raw-client.js'

const messages = ['Subject: one\r\n\r\n.one\r\n', 'Subject: two\r\n\r\ntwo\r\n', 'Subject: three\r\n\r\nthree\r\n']
const first = '+OK 22 octets\r\nSubject: one\r\n\r\n..one\r\n.\r\n'

describe('scripts', () => {
  it.each([
    ['an honest reply', honest, first],
    ['other bytes', send('-ERR no\r\n'), '-ERR no\r\n'],
    ['bytes in segments', segment('+OK\r\n.\r\n', 1), '+OK\r\n.\r\n'],
    ['a changed reply', rewrite((reply) => reply.toString('latin1').replaceAll('\r', '')), first.replaceAll('\r', '')],
    ['a pause inside a reply', [upTo(3), delay(1), honest], first],
    ['a reply behind another', [send('+OK '), honest], `+OK ${first}`],
  ])('%s', async (_, script, expected) => {
    await using server = await FakePop3Server.start({ messages, hooks: { RETR: () => script } })
    using client = await signedIn(server)
    client.send('RETR 1')
    client.socket.end()
    expect(await client.rest()).toBe(expected)
    expect(server.retrs('u1')).toBe(1)
  })

  it('cut a reply at any byte', async () => {
    for (const octets of [0, 1, 15, first.length]) {
      await using server = await FakePop3Server.start({ messages, hooks: { RETR: () => cutAfter(octets) } })
      using client = await signedIn(server)
      client.send('RETR 1\r\nRETR 2\r\nQUIT')
      expect(await client.rest()).toBe(first.slice(0, octets))
      expect(server.lines).not.toContain('QUIT')
    }
  })

  it('stall until the client goes, and do not keep the server from closing', async () => {
    await using server = await FakePop3Server.start({ messages, hooks: { STAT: () => stall } })
    using client = await signedIn(server)
    client.send('STAT\r\nNOOP')
    client.socket.end()
    await server.seen('STAT')
    expect(server.lines).not.toContain('NOOP')
    await client.rest()
    using next = await signedIn(server)
    expect(await next.ask('NOOP')).toBe('+OK still here')
  })

  it.each(['none', 'starttls', 'implicit'] as const)('reset the connection, TLS: %s', async (tls) => {
    await using server = await FakePop3Server.start({ messages, tls, hooks: { NOOP: () => reset } })
    using client = await signedIn(server, tls)
    client.send('NOOP')
    expect(await client.failure()).toMatchObject({ code: 'ECONNRESET' })
  })

  it('act without a word', async () => {
    await using server = await FakePop3Server.start({ messages, hooks: { QUIT: () => [silently, close] } })
    using client = await signedIn(server)
    await client.ask('DELE 2')
    client.send('QUIT')
    expect(await client.rest()).toBe('')
    expect(server.messages.map(({ uidl }) => uidl)).toEqual(['u1', 'u3'])
    expect(server.sessions[0]).toMatchObject({ quit: true, user: 'alice' })
  })

  it('kill a process', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(child, 'spawn')
    await using server = await FakePop3Server.start({
      messages,
      hooks: { RETR: () => [kill(child.pid ?? -1), honest] },
    })
    using client = await signedIn(server)
    const ended = once(child, 'exit')
    await client.ask('RETR 1')
    expect(await ended).toEqual([null, 'SIGKILL'])
  })

  it('know event, argument, counts and id, and fall back to `any` and to honesty', async () => {
    const moments: unknown[] = []
    await using server = await FakePop3Server.start({
      messages,
      hooks: {
        greeting: () => send('+OK hello\r\n'),
        RETR: ({ count }) => (count === 2 ? send('-ERR not now\r\n') : undefined),
        any: (moment) => {
          moments.push(moment)
        },
      },
    })
    for (const number of [1, 2]) {
      using client = await signedIn(server)
      client.send('retr 3')
      client.socket.end()
      expect((await client.rest()).startsWith(number === 1 ? '+OK 25 octets' : '-ERR not now')).toBe(true)
    }
    expect(moments).toContainEqual({
      event: 'RETR',
      argument: '3',
      count: 1,
      countInSession: 1,
      session: 1,
      uidl: 'u3',
    })
    expect(moments).toContainEqual(expect.objectContaining({ event: 'PASS', count: 2, countInSession: 1, session: 2 }))
    expect(moments).not.toContainEqual(expect.objectContaining({ event: 'greeting' }))
  })

  it('see the second line of AUTH as a response', async () => {
    await using server = await FakePop3Server.start({ messages, hooks: { response: () => send('-ERR no\r\n') } })
    using client = await RawClient.open(server)
    await client.line()
    expect(await client.ask('AUTH PLAIN')).toBe('+ ')
    expect(await client.ask(Buffer.from('\0alice\0secret').toString('base64'))).toBe('-ERR no')
    expect(server.sessions[0]).toMatchObject({ user: 'alice', signedInAt: undefined })
    expect(server.signIns).toBe(0)
  })
})

describe('habits', () => {
  it('window: shows the first unpopped, pops what a clean session retrieved (QUIRKS PRV-01)', async () => {
    await using server = await FakePop3Server.start({ messages, window: 2 })
    expect(await session(server, ['RETR 1'], false)).toBe('u1 u2')
    expect(await session(server, ['RETR 1'])).toBe('u1 u2')
    expect(await session(server, ['RETR 1', 'RETR 2'])).toBe('u2 u3')
    expect(await session(server, [])).toBe('')
    expect(server.messages).toHaveLength(3)
  })

  it('renumber, expire, a maildrop changed between sessions', async () => {
    await using server = await FakePop3Server.start({ messages, renumber: true, expire: true })
    expect(await session(server, ['RETR 1'])).toBe('u1 u2 u3')
    expect(await session(server, [])).toBe('u3 u2')
    server.messages = ['new\r\n']
    expect(await session(server, [])).toBe('u1')
  })

  it('cutEvery closes behind so many RETRs (QUIRKS SES-04)', async () => {
    await using server = await FakePop3Server.start({ messages, cutEvery: 2 })
    using client = await signedIn(server)
    client.send('RETR 1\r\nRETR 2\r\nRETR 3')
    const text = await client.rest()
    expect(text).toContain('two')
    expect(text).not.toContain('three')
  })

  it('segmentBytes splits all output', async () => {
    await using server = await FakePop3Server.start({ messages, segmentBytes: 1 })
    using client = await signedIn(server)
    client.send('RETR 1\r\nQUIT')
    expect(await client.rest()).toBe(`${first}+OK bye\r\n`)
  })

  it('pipelining: false loses early input (QUIRKS RET-21)', async () => {
    await using server = await FakePop3Server.start({ messages, pipelining: false })
    using client = await signedIn(server)
    client.send('STAT\r\nLIST\r\nUIDL')
    await client.line()
    expect(await client.ask('NOOP')).toMatch(/^\+OK/)
    expect(server.lines.slice(-2)).toEqual(['STAT', 'NOOP'])
  })

  it.each<[string, FakeOptions, string, RegExp]>([
    ['noUidl', { noUidl: true }, 'UIDL', /^-ERR/],
    ['noCapa', { noCapa: true }, 'CAPA', /^-ERR/],
  ])('%s', async (_, options, command, reply) => {
    await using server = await FakePop3Server.start({ messages, ...options })
    using client = await signedIn(server)
    expect(await client.ask(command)).toMatch(reply)
  })

  it('capabilities are added to CAPA', async () => {
    await using server = await FakePop3Server.start({ capabilities: ['EXPIRE 0'], noUidl: true })
    using client = await signedIn(server)
    await client.ask('CAPA')
    const lines = (await client.body()).split('\r\n')
    expect(lines).toContain('EXPIRE 0')
    expect(lines).not.toContain('UIDL')
  })
})

describe('the log', () => {
  it('keeps the client’s writes as they came and counts sessions of a user', async () => {
    await using server = await FakePop3Server.start({ messages, tls: 'starttls' })
    using one = await signedIn(server, 'starttls')
    using two = await RawClient.open(server)
    await two.line()
    await two.ask('USER alice')
    expect(await two.ask('PASS secret')).toMatch(/IN-USE/)
    one.send('NOOP\r\nNOOP')
    await one.line()
    await one.line()
    const { segments = [], lines = [] } = server.sessions[0] ?? {}
    expect(segments.map(String)).toEqual(['STLS\r\n', 'USER alice\r\n', 'PASS secret\r\n', 'NOOP\r\nNOOP\r\n'])
    expect(lines).toEqual(['STLS', 'USER alice', 'PASS secret', 'NOOP', 'NOOP'])
    expect(server.mostAtOnce()).toBe(2)
    expect(server.signIns).toBe(1)
  })

  it('serves further users and describes itself for a plan', async () => {
    const users = { bob: { password: 'hunter2', messages: ['x\r\n'] } }
    await using server = await FakePop3Server.start({ users, tls: 'implicit' })
    expect(server.source('bob')).toMatchObject({ port: server.port, tls: 'implicit', user: 'bob', password: 'hunter2' })
    using client = await RawClient.open(server)
    await client.secure()
    await client.line()
    await client.ask('USER bob')
    expect(await client.ask('PASS hunter2')).toBe('+OK 1 messages')
  })
})

async function signedIn(server: FakePop3Server, tls: 'none' | 'starttls' | 'implicit' = 'none'): Promise<RawClient> {
  const client = await RawClient.open(server)
  if (tls === 'implicit') await client.secure()
  await client.line()
  if (tls === 'starttls') {
    await client.ask('STLS')
    await client.secure()
  }
  await client.ask('USER alice')
  await client.ask('PASS secret')
  return client
}

/** Signs in, lists the ids, sends the commands; with or without a QUIT. */
async function session(server: FakePop3Server, commands: readonly string[], quit = true): Promise<string> {
  using client = await signedIn(server)
  await client.ask('UIDL')
  const ids = await client.body()
  client.send([...commands, ...(quit ? ['QUIT'] : [])].join('\r\n'))
  client.socket.end()
  await client.rest()
  return Array.from(ids.matchAll(/\d+ (\w+)/g), ([, id]) => id).join(' ')
}
