import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../../src/ports/fault.js'
import { failureOf, open, password } from './opened.js'
import { capa, Peer, script, ScriptServer, type Replies } from './script-server.js'

describe('sign-in', () => {
  const plainLine = `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString('base64')}`

  test.each<[string, Replies, Parameters<typeof open>[1], string[]]>([
    ['PLAIN where offered', { CAPA: capa('SASL LOGIN plain'), AUTH: '+OK\r\n' }, {}, [plainLine]],
    [
      'AUT-06 asked again',
      { CAPA: capa('SASL PLAIN'), [plainLine]: '+ \r\n', [plainLine.slice(11)]: '+OK\r\n' },
      {},
      [plainLine, plainLine.slice(11)],
    ],
    ['AUT-04 not PLAIN unless offered', { CAPA: capa('SASL X') }, {}, ['USER alice', `PASS ${password}`]],
    [
      'CAP-04 advertised but unknown',
      { CAPA: capa('SASL PLAIN'), AUTH: '-ERR unknown command\r\n' },
      {},
      [plainLine, 'USER alice', `PASS ${password}`],
    ],
    ['user', { CAPA: capa('SASL PLAIN') }, { credentials: { mechanism: 'user' } }, ['USER alice', `PASS ${password}`]],
    [
      'authzid makes it PLAIN',
      { AUTH: '+OK\r\n' },
      { credentials: { authzid: 'bob' } },
      [`AUTH PLAIN ${Buffer.from(`bob\0alice\0${password}`).toString('base64')}`],
    ],
    [
      'apop',
      { APOP: '+OK\r\n' },
      { credentials: { mechanism: 'apop' } },
      [`APOP alice ${createHash('md5').update(`<1.2@host>${password}`).digest('hex')}`],
    ],
    [
      'AUT-13 a name that carries meaning',
      {},
      { credentials: { user: 'recent:DOM\\a b*master@x' } },
      ['USER recent:DOM\\a b*master@x', `PASS ${password}`],
    ],
  ])('%s', async (_name, replies, chosen, lines) => {
    await using server = await ScriptServer.start(script(replies))
    const client = await open(server, chosen)
    client.drop()
    expect(server.lines().filter((line) => line !== 'CAPA')).toEqual(lines)
  })

  test.each([
    ['no UTF8', 'X', true],
    ['UTF8', 'UTF8', false],
  ])('a user name beyond ASCII that is refused where the server offers %s', async (_, offered, said) => {
    const replies = { CAPA: capa(offered), UTF8: '+OK\r\n', PASS: '-ERR [AUTH] no\r\n' }
    await using server = await ScriptServer.start(script(replies))
    const error = await failureOf(open(server, { credentials: { user: 'ålice' } }))
    expect(error).toMatchObject({ code: 'auth-failed' })
    expect((error as Fault).hint.includes('beyond ASCII')).toBe(said)
  })

  test('with an authzid there is nothing but PLAIN: USER would be another maildrop', async () => {
    await using server = await ScriptServer.start(script({ AUTH: '-ERR unknown command\r\n' }))
    await expect(open(server, { credentials: { authzid: 'bob' } })).rejects.toMatchObject({ code: 'auth-unavailable' })
    expect(server.lines().join()).not.toContain('USER')
  })

  test('AUT-08 a response over 255 octets goes in two steps', async () => {
    const user = 'u'.repeat(200)
    const response = Buffer.from(`\0${user}\0${password}`).toString('base64')
    await using server = await ScriptServer.start(script({ 'AUTH PLAIN': '+OK go on\r\n', [response]: '+OK\r\n' }))
    const client = await open(server, { credentials: { mechanism: 'plain', user } })
    client.drop()
    expect(server.lines()).toEqual(['CAPA', 'AUTH PLAIN', response])
  })

  test.each<[string, Replies, Parameters<typeof open>[1], string]>([
    ['AUT-01 wrong password', { PASS: '-ERR [AUTH] no\r\n' }, {}, 'auth-failed'],
    ['AUT-01 locked', { PASS: '-ERR [IN-USE] no\r\n' }, {}, 'locked'],
    ['AUT-01 throttled', { PASS: '-ERR [LOGIN-DELAY] no\r\n' }, {}, 'throttled'],
    ['AUT-01 sick', { PASS: '-ERR [SYS/TEMP] no\r\n' }, {}, 'server-busy'],
    [
      'AUT-02 hangs up on PASS',
      {
        PASS: Peer.end,
      },
      {},
      'auth-failed',
    ],
    [
      'AUT-02 resets on AUTH',
      {
        AUTH: (_line, peer) => {
          peer.reset()
        },
      },
      { credentials: { mechanism: 'plain' } },
      'auth-failed',
    ],
    [
      'hangs up on USER',
      {
        USER: Peer.end,
      },
      {},
      'connection-lost',
    ],
    ['AUT-03 USER refused', { USER: '-ERR unknown user alice\r\n' }, {}, 'auth-failed'],
    ['APOP unknown', {}, { credentials: { mechanism: 'apop' } }, 'auth-unavailable'],
    [
      'mechanism unknown',
      { AUTH: '-ERR unsupported mechanism\r\n' },
      { credentials: { mechanism: 'plain' } },
      'auth-unavailable',
    ],
    ['out of step', { PASS: 'whatever\r\n' }, {}, 'protocol'],
    ['RET-22 two answers', { USER: '+OK\r\n+OK\r\n' }, {}, 'protocol'],
  ])('%s', async (_name, replies, chosen, code) => {
    await using server = await ScriptServer.start(script(replies))
    expect(await failureOf(open(server, chosen))).toMatchObject({ code, facts: { phase: 'sign-in' } })
    expect(server.lines().filter((line) => line.startsWith('PASS')).length).toBeLessThanOrEqual(1)
    if ('USER' in replies) expect(server.lines().join()).not.toContain('PASS')
  })

  test('AUT-05 APOP without a timestamp sends nothing', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('+OK ready <no timestamp>\r\n')
      await peer.answer({})
    })
    const error = await failureOf(open(server, { credentials: { mechanism: 'apop' } }))
    expect(error).toMatchObject({ code: 'auth-unavailable', facts: { reply: '+OK ready <no timestamp>' } })
    expect(server.lines()).toEqual(['CAPA'])
  })

  test('SEC-01, SEC-02 neither the dialogue nor a fault shows the password, even echoed', async () => {
    const shown: string[] = []
    const echo = (line: string, peer: Peer): Promise<void> => peer.send(`-ERR bad ${line} "${password}"\r\n`)
    for (const mechanism of ['user', 'plain', 'apop'] as const) {
      await using server = await ScriptServer.start(script({ PASS: echo, AUTH: echo, APOP: echo }))
      const transcript = (direction: string, line: string): void => {
        shown.push(`${direction} ${line}`)
      }
      const error = await failureOf(open(server, { credentials: { mechanism }, transcript }))
      expect(error).toMatchObject({ code: 'auth-failed' })
      shown.push(JSON.stringify(error))
    }
    expect(shown).toContain('> PASS ***')
    expect(shown).toContain('> AUTH PLAIN ***')
    expect(shown).toContain('> APOP alice ***')
    expect(shown.join('\n')).not.toContain('canary')
    expect(shown.join('\n')).not.toContain(Buffer.from(`\0alice\0${password}`).toString('base64'))
  })

  test('AUT-12 a password that cannot be sent is refused before connecting', async () => {
    await using server = await ScriptServer.start(script({}))
    const { Secret } = await import('../../src/ports/secret.js')
    const error = await failureOf(open(server, { credentials: { password: new Secret('x\r\nDELE 1') } }))
    expect(error).toMatchObject({ code: 'auth-failed' })
    expect(server.peers).toHaveLength(0)
  })
})
