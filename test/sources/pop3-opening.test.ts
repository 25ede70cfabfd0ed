import { describe, expect, test } from 'vitest'
import { Secret, type SecretProvider } from '../../src/ports/secret.js'
import { Peer, ScriptServer, type Replies } from '../pop3/script-server.js'
import { InstantClock } from '../support/clock.js'
import { failureOf } from '../pop3/opened.js'
import { greeted, never, sourceAt } from './maildrop.js'

const capa = (sasl: string): string => `+OK\r\nSASL ${sasl}\r\n.\r\n`
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = `AUTH PLAIN ${base64('\0alice\0canary')}`
const pass = ['USER alice', 'PASS canary']

/** Connects so many times; what was thrown, which lines were sent in each connection, and the pauses. */
async function connect(replies: Replies, options: Options = {}): Promise<Result> {
  await using server = await ScriptServer.start(greeted(replies))
  const clock = new InstantClock()
  const { token, source: chosen = {}, times = 1 } = options
  let asked = 0
  const secrets = new Map<string, SecretProvider>([['password', async () => new Secret('canary')]])
  if (token) {
    secrets.delete('password')
    secrets.set('oauth2.accessToken', async () => new Secret(token(++asked)))
  }
  const { source, events } = sourceAt(server.port, chosen, { clock, secrets })
  let error: unknown
  for (let time = 0; time < times; time++) {
    error = await failureOf(source.connect(never).then((session) => session[Symbol.asyncDispose]()))
  }
  const lines = server.peers.map((peer) => peer.lines.filter((line) => line !== 'CAPA'))
  expect(events.map((event) => event.type)).toEqual(clock.slept.map(() => 'retry'))
  return { error, lines, slept: clock.slept, asked }
}

interface Options {
  readonly source?: Readonly<Record<string, unknown>>
  readonly times?: number
  /** The token of each asking, counted from 1; instead of the password. */
  readonly token?: (count: number) => string
}

interface Result {
  readonly error: unknown
  readonly lines: readonly (readonly string[])[]
  readonly slept: readonly number[]
  readonly asked: number
}

describe('AUT-01 how often a refused password is sent', () => {
  test.each([
    '-ERR [AUTH] no',
    '-ERR [SYS/PERM] POP is off for this account',
    '-ERR Invalid credentials',
    '-ERR 密码错误 password',
    '-ERR unknown user alice',
  ])('once: %s', async (reply) => {
    const { error, lines, slept } = await connect({ PASS: `${Buffer.from(reply).toString('latin1')}\r\n` })
    expect(error).toMatchObject({ code: 'auth-failed', transient: false })
    expect(lines).toEqual([pass])
    expect(slept).toEqual([])
  })

  test.each(['-ERR', '-ERR Login failed.', '-ERR authentication failed'])('twice: %s', async (reply) => {
    const { error, lines, slept } = await connect({ PASS: `${reply}\r\n` })
    expect(error).toMatchObject({ code: 'auth-failed', transient: false })
    expect(lines).toEqual([pass, pass])
    expect(slept).toEqual([2_000])
  })

  test('AUT-02 twice where the server hangs up, after a pause', async () => {
    const { error, lines, slept } = await connect({ PASS: Peer.end })
    expect(error).toMatchObject({ code: 'auth-failed', transient: false })
    expect(lines).toEqual([pass, pass])
    expect(slept).toEqual([2_000])
  })

  test('the second attempt may succeed', async () => {
    let count = 0
    const reply = (_line: string, peer: Peer): Promise<void> => peer.send(++count === 1 ? '-ERR\r\n' : '+OK\r\n')
    expect(await connect({ PASS: reply })).toMatchObject({ error: undefined, slept: [2_000] })
  })

  test('a reason that passes is the pipeline’s to wait for', async () => {
    const { error, lines } = await connect({ PASS: '-ERR [IN-USE] no\r\n' })
    expect(error).toMatchObject({ code: 'locked', transient: true })
    expect(lines).toEqual([pass])
  })
})

describe('AUT-04 offered, but of no use', () => {
  test.each([
    ['hangs up on it', Peer.end],
    ['does not know it', '-ERR unrecognized authentication type\r\n'],
    ['does not start it', '-ERR authentication failed\r\n'],
  ])('the server %s: the next one, and never that again', async (_, reply) => {
    const replies = { CAPA: capa('CRAM-MD5 PLAIN'), 'AUTH CRAM-MD5': reply, AUTH: '+OK\r\n' }
    const { error, lines, slept } = await connect(replies, { times: 2 })
    expect(error).toBeUndefined()
    expect(lines.flat()).toEqual(['AUTH CRAM-MD5', plain, plain])
    expect(slept).toEqual([])
  })

  test('refused without a reason, as by a server that lacks the keys: PLAIN, on another connection', async () => {
    const challenge = async (_line: string, peer: Peer): Promise<void> => {
      await peer.send(`+ ${base64('<1@x>')}\r\n`)
      await peer.line()
      await peer.send('-ERR Login failed.\r\n')
    }
    const replies = { CAPA: capa('LOGIN CRAM-MD5 PLAIN SCRAM-SHA-1'), AUTH: challenge, [plain]: '+OK\r\n' }
    const unknown = '-ERR unknown mechanism\r\n'
    const scram = async (line: string, peer: Peer): Promise<void> =>
      line.includes('SCRAM') ? peer.send(unknown) : challenge(line, peer)
    const { error, lines, slept } = await connect({ ...replies, AUTH: scram }, { times: 2 })
    expect(error).toBeUndefined()
    expect(lines.map((session) => session.map((line) => line.split(' ')[1]))).toEqual([
      ['SCRAM-SHA-1', 'CRAM-MD5', undefined],
      ['PLAIN'],
      ['PLAIN'],
    ])
    expect(slept).toEqual([])
    const named = await connect({ ...replies, AUTH: challenge }, { source: { auth: 'cram-md5' } })
    expect(named.error).toMatchObject({ code: 'auth-failed' })
    expect(named.lines).toHaveLength(2)
    expect(named.lines.flat().filter((line) => !/^AUTH CRAM-MD5$/.test(line))).toHaveLength(2)
  })

  test('refused before there is a proof, as by a server with digests of passwords: PLAIN', async () => {
    const replies = { CAPA: capa('SCRAM-SHA-256 SCRAM-SHA-1 PLAIN'), AUTH: '-ERR [AUTH] no\r\n' }
    const { error, lines } = await connect(replies)
    expect(error).toMatchObject({ code: 'auth-failed' })
    expect(lines.map((session) => session.map((line) => line.split(' ')[1]))).toEqual([['SCRAM-SHA-256'], ['PLAIN']])
  })

  test('a named one at which the server hangs up: once more, then the account stops', async () => {
    const { error, lines } = await connect({ AUTH: Peer.end }, { source: { auth: 'cram-md5' } })
    expect(error).toMatchObject({ code: 'auth-unavailable', transient: false })
    expect(lines).toEqual([['AUTH CRAM-MD5'], ['AUTH CRAM-MD5']])
  })

  test('CAP-03 a server that wants TLS first says so', async () => {
    const reply = '-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.\r\n'
    const { error, lines } = await connect({ CAPA: capa('PLAIN'), AUTH: reply })
    expect(error).toMatchObject({ code: 'auth-unavailable', hint: expect.stringContaining('starttls') as string })
    expect(lines).toHaveLength(1)
  })
})

describe('tokens', () => {
  const message = (token: string): string => base64(`user=alice\x01auth=Bearer ${token}\x01\x01`)
  const refusal = `+ ${base64('{"status":"401"}')}\r\n`
  const xoauth2 = (...good: readonly string[]): Replies => ({
    CAPA: capa('XOAUTH2'),
    AUTH: async (_line, peer) => {
      await peer.send('+ \r\n')
      const line = await peer.line()
      if (good.some((token) => line === message(token))) return peer.send('+OK\r\n')
      await peer.send(refusal)
      await peer.line()
      await peer.send('-ERR [AUTH] no\r\n')
    },
  })

  test('AUT-10 are asked for before every sign-in', async () => {
    const { error, asked, lines } = await connect(xoauth2('t1', 't2', 't3'), { token: (n) => `t${n}`, times: 3 })
    expect(error).toBeUndefined()
    expect(asked).toBe(3)
    expect(lines.map((session) => session[1])).toEqual(['t1', 't2', 't3'].map(message))
  })

  test('AUT-09 an expired one is asked for once more', async () => {
    const { error, asked, slept } = await connect(xoauth2('t2'), { token: (n) => `t${n}` })
    expect(error).toBeUndefined()
    expect({ asked, slept }).toEqual({ asked: 2, slept: [] })
  })

  test('AUT-09 at most two are refused, the same one only once', async () => {
    const other = await connect(xoauth2(), { token: (n) => `t${n}` })
    expect(other.error).toMatchObject({ code: 'auth-failed', message: 'the server refuses the access token' })
    expect(other.lines).toHaveLength(2)
    const same = await connect(xoauth2(), { token: () => 't' })
    expect(same.error).toMatchObject({ code: 'auth-failed' })
    expect(same.lines).toHaveLength(1)
  })

  test('AUT-08 a server that hangs up on the bare command gets one line, from then on', async () => {
    const replies = { CAPA: capa('XOAUTH2'), 'AUTH XOAUTH2': Peer.end, AUTH: '+OK\r\n' }
    const { error, lines } = await connect(replies, { token: () => 't', times: 2 })
    expect(error).toBeUndefined()
    const line = `AUTH XOAUTH2 ${message('t')}`
    expect(lines).toEqual([['AUTH XOAUTH2'], [line], [line]])
  })

  test('a password is not asked for where a token is named, nor the other way round', async () => {
    const { error } = await connect(xoauth2('t'), { source: { auth: 'plain' }, token: () => 't' })
    expect(error).toMatchObject({ code: 'auth-unavailable', message: 'the plan has no password' })
  })
})
