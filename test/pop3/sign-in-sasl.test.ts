import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/ports/secret.js'
import { failureOf, open, password, type Chosen } from './opened.js'
import { scramPeer, type Lies } from './scram-peer.js'
import { capa, Peer, script, ScriptServer, type Replies } from './script-server.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const token = 'ya29.canary-t0ken'
const withToken = { token: new Secret(token), password: undefined }
const message = base64(`user=alice\x01auth=Bearer ${token}\x01\x01`)
const pass = ['USER alice', `PASS ${password}`]

/** The command lines of a sign-in that succeeds, without CAPA. */
async function linesOf(replies: Replies, chosen: Chosen = {}): Promise<readonly string[]> {
  await using server = await ScriptServer.start(script(replies))
  const client = await open(server, chosen)
  client.drop()
  return server.lines().filter((line) => line !== 'CAPA')
}

/** What a sign-in throws, and the command lines before that. */
async function refused(replies: Replies, chosen: Chosen = {}): Promise<{ error: unknown; lines: readonly string[] }> {
  await using server = await ScriptServer.start(script(replies))
  const error = await failureOf(open(server, chosen))
  return { error, lines: server.lines().filter((line) => line !== 'CAPA') }
}

/** Replies to AUTH: these lines, one after each line of the client. */
function talk(...replies: readonly string[]) {
  return async (_line: string, peer: Peer): Promise<void> => {
    for (const [index, reply] of replies.entries()) {
      await peer.send(`${reply}\r\n`)
      if (index < replies.length - 1 && (await peer.line()) === undefined) return
    }
  }
}

describe('auto takes the strongest that is offered', () => {
  const offers = 'SASL LOGIN PLAIN CRAM-MD5 XOAUTH2 SCRAM-SHA-1 OAUTHBEARER SCRAM-SHA-256'

  test.each([
    [offers, {}, 'SCRAM-SHA-256'],
    ['SASL PLAIN SCRAM-SHA-1 CRAM-MD5', {}, 'SCRAM-SHA-1'],
    ['SASL PLAIN LOGIN CRAM-MD5', {}, 'CRAM-MD5'],
    ['SASL LOGIN PLAIN', {}, 'PLAIN'],
    ['SASL login', {}, 'LOGIN'],
    [offers, { authzid: 'bob' }, 'PLAIN'],
    [offers, withToken, 'OAUTHBEARER'],
    ['SASL PLAIN XOAUTH2', withToken, 'XOAUTH2'],
    ['SASL PLAIN XOAUTH2', { token: new Secret(token) }, 'XOAUTH2'],
    ['SASL PLAIN', { token: new Secret(token) }, 'PLAIN'],
  ])('of %s', async (sasl, credentials, mechanism) => {
    const { lines } = await refused({ CAPA: capa(sasl), AUTH: '-ERR [IN-USE] later\r\n' }, { credentials })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(new RegExp(`^AUTH ${mechanism}(?: |$)`))
  })

  test('a token is not sent to a server that does not offer to take one', async () => {
    const { error, lines } = await refused({ CAPA: capa('SASL PLAIN') }, { credentials: withToken })
    expect(error).toMatchObject({ code: 'auth-unavailable', hint: expect.stringContaining('xoauth2') as string })
    expect(lines).toEqual([])
  })

  test('CAP-04 from one that is unknown after all to the next', async () => {
    const unknown = '-ERR [AUTH] Unsupported authentication mechanism.\r\n'
    const replies = { CAPA: capa('SASL PLAIN CRAM-MD5 LOGIN'), AUTH: unknown }
    expect(await linesOf(replies)).toEqual([
      'AUTH CRAM-MD5',
      `AUTH PLAIN ${base64(`\0alice\0${password}`)}`,
      'AUTH LOGIN',
      ...pass,
    ])
  })

  test.each(['cram-md5', 'login', 'scram-sha-256', 'plain', 'apop'] as const)(
    'AUT-04 %s, when named, is followed by none',
    async (mechanism) => {
      const { error, lines } = await refused(
        { CAPA: capa('SASL PLAIN'), AUTH: '-ERR unknown command\r\n' },
        { credentials: { mechanism } },
      )
      expect(error).toMatchObject({ code: 'auth-unavailable', transient: false })
      expect(lines).toHaveLength(1)
    },
  )
})

describe('challenges', () => {
  test.each(['+', '+ ', '+OK', '+ go ahead', '+OK send it', `+ ${base64('User Name\0')}`, '+ Username:'])(
    'AUT-06, AUT-07 %j asks for more',
    async (prompt) => {
      const login = { AUTH: talk(prompt, prompt, '+OK') }
      expect(await linesOf(login, { credentials: { mechanism: 'login' } })).toEqual([
        'AUTH LOGIN',
        base64('alice'),
        base64(password),
      ])
      const xoauth2 = { AUTH: talk(prompt, '+OK') }
      const credentials = { ...withToken, mechanism: 'xoauth2' } as const
      expect(await linesOf(xoauth2, { credentials })).toEqual(['AUTH XOAUTH2', message])
    },
  )

  test('CRAM-MD5', async () => {
    const digest = createHmac('md5', password).update('<1.2@host>').digest('hex')
    const lines = await linesOf(
      { AUTH: talk(`+ ${base64('<1.2@host>')}`, '+OK') },
      { credentials: { mechanism: 'cram-md5' } },
    )
    expect(lines).toEqual(['AUTH CRAM-MD5', base64(`alice ${digest}`)])
  })

  test.each(['+', '+ <1.2@host>', '+OK', '+ PDEu', '+ =', `+ ${'A'.repeat(9000)}`])(
    'CRAM-MD5 and SCRAM do not answer %.20s',
    async (challenge) => {
      for (const mechanism of ['cram-md5', 'scram-sha-256'] as const) {
        if (challenge === '+ PDEu' && mechanism === 'cram-md5') continue
        const { error, lines } = await refused(
          { AUTH: talk(challenge, challenge, '+OK') },
          { credentials: { mechanism } },
        )
        const code = challenge.length > 8192 ? 'protocol' : 'auth-unavailable'
        expect(error).toMatchObject({ code, facts: { phase: 'sign-in', server: expect.any(String) as string } })
        // SCRAM says its first message again where the challenge says nothing.
        expect(lines.length).toBeLessThanOrEqual(2)
      }
    },
  )

  test.each(['plain', 'login', 'cram-md5', 'scram-sha-1'] as const)('%s: not without an end', async (mechanism) => {
    const endless = async (_line: string, peer: Peer): Promise<void> => {
      while (!peer.closed) {
        await peer.send(`+ ${base64('more')}\r\n`)
        await peer.line()
      }
    }
    const { error, lines } = await refused({ AUTH: endless }, { credentials: { mechanism } })
    expect(error).toMatchObject({ code: 'auth-unavailable' })
    expect(lines.length).toBeLessThanOrEqual(4)
  })
})

describe('SCRAM', () => {
  test.each(['sha1', 'sha256'] as const)('%s: both sides prove themselves', async (hash) => {
    const mechanism = hash === 'sha1' ? 'scram-sha-1' : 'scram-sha-256'
    const lines = await linesOf({ AUTH: scramPeer(hash, password) }, { credentials: { mechanism } })
    expect(lines).toHaveLength(3)
    expect(lines[2]).toBe('')
  })

  test.each<[string, Lies, string]>([
    ['a forged signature', { last: `v=${base64('x'.repeat(32))}` }, 'auth-failed'],
    ['no signature', { silent: true }, 'auth-failed'],
    ['an error and +OK all the same', { last: 'e=other-error' }, 'auth-failed'],
    ['a foreign nonce', { first: () => `r=x,s=${base64('salt')},i=4096` }, 'auth-failed'],
    ['one iteration', { first: (nonce) => `r=${nonce}x,s=${base64('salt')},i=1` }, 'auth-failed'],
    ['10 million', { first: (nonce) => `r=${nonce}x,s=${base64('salt')},i=10000000` }, 'auth-unavailable'],
  ])('AUT-11 %s: no later command, no weaker mechanism', async (_, lies, code) => {
    const replies = { CAPA: capa('SASL SCRAM-SHA-256 PLAIN'), AUTH: scramPeer('sha256', password, lies) }
    const { error, lines } = await refused(replies)
    expect(error).toMatchObject({ code, transient: false, facts: { phase: 'sign-in' } })
    expect(error).not.toHaveProperty('remedy')
    expect(lines[0]).toMatch(/^AUTH SCRAM-SHA-256 /)
    expect(lines.join('\n')).not.toMatch(/AUTH PLAIN|PASS|STAT|CAPA/)
  })

  test('a wrong password is refused, and the advice mentions how servers keep passwords', async () => {
    const { error } = await refused({ CAPA: capa('SASL SCRAM-SHA-1'), AUTH: scramPeer('sha1', 'other') })
    expect(error).toMatchObject({ code: 'auth-failed', hint: expect.stringContaining('`auth: plain`') as string })
    expect(error).not.toHaveProperty('remedy')
  })
})

describe('tokens', () => {
  const xoauth2 = { ...withToken, mechanism: 'xoauth2' } as const

  test('AUT-08 always two steps, exactly one transmission', async () => {
    const oneLine = `AUTH XOAUTH2 ${message}`
    const replies = { [oneLine]: Peer.end, AUTH: talk('+', '+OK') }
    expect(await linesOf(replies, { credentials: xoauth2 })).toEqual(['AUTH XOAUTH2', message])
  })

  test.each([
    ['AUT-08 a server that refuses', '-ERR syntax error\r\n'],
    ['AUT-08 a server that hangs up', Peer.end],
  ])('%s: next time in one line', async (_, reply) => {
    await using server = await ScriptServer.start(script({ 'AUTH XOAUTH2': reply, AUTH: '+OK\r\n' }))
    const experience = { unfit: new Set<string>(), tokenInLine: false }
    const error = await failureOf(open(server, { credentials: xoauth2, experience }))
    expect(error).toMatchObject({ code: 'auth-unavailable', remedy: 'reconnect' })
    const client = await open(server, { credentials: xoauth2, experience })
    client.drop()
    expect(server.lines(2)).toEqual(['CAPA', `AUTH XOAUTH2 ${message}`])
  })

  test.each([
    ['xoauth2', '', '{"status":"401","schemes":"bearer"}', 'status 401, schemes bearer', 'other-token'],
    ['oauthbearer', base64('\x01'), '{"status":"invalid_token"}', 'status invalid_token', 'other-token'],
    ['xoauth2', '', '{"status":"403"}', 'status 403', undefined],
    ['xoauth2', '', `bad ${token}`, 'bad ***', undefined],
  ] as const)('AUT-09 %s: a refusal is answered with "%s"', async (...row) => {
    const [mechanism, answer, challenge, words, remedy] = row
    const replies = { AUTH: talk('+ ', `+ ${base64(challenge)}`, '-ERR [AUTH] no') }
    const { error, lines } = await refused(replies, { credentials: { ...withToken, mechanism } })
    expect(lines).toHaveLength(3)
    expect(lines[2]).toBe(answer)
    expect(error).toMatchObject({ code: 'auth-failed', facts: { reply: `-ERR [AUTH] no (${words})` } })
    expect((error as { remedy?: string }).remedy).toBe(remedy)
  })

  test('AUT-09 a refusal without an end', async () => {
    const refusal = `+ ${base64('{"status":"401"}')}`
    const { error, lines } = await refused({ AUTH: talk('+ ', refusal, refusal, refusal) }, { credentials: xoauth2 })
    expect(error).toMatchObject({ code: 'auth-unavailable' })
    expect(lines).toHaveLength(3)
  })

  test('a token that cannot be one is refused before connecting', async () => {
    await using server = await ScriptServer.start(script({}))
    const credentials = { ...xoauth2, token: new Secret('{"access_token": "x"}') }
    expect(await failureOf(open(server, { credentials }))).toMatchObject({ code: 'auth-failed' })
    expect(server.peers).toHaveLength(0)
  })
})
