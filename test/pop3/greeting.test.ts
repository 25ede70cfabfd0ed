import { describe, expect, test } from 'vitest'
import { identity } from '../net/certificates.js'
import { failureOf, open, password, type Chosen } from './opened.js'
import { ScriptServer, type Script } from './script-server.js'

/** What opening fails with; the password must not have been sent. */
async function refused(script: Script, chosen: Chosen = {}): Promise<unknown> {
  await using server = await ScriptServer.start(script)
  const error = await failureOf(open(server, chosen))
  expect(server.peers.flatMap(({ segments }) => segments).join('')).not.toMatch(/USER|PASS|AUTH|APOP/)
  expect(error).toMatchObject({ facts: { server: `127.0.0.1:${server.port}`, phase: 'greeting' } })
  return error
}

/** Of which the last tenth must be enough for an answer. */
const lastWord = 2000

describe('greeting', () => {
  test.each([
    ['CON-02 connection limit', '-ERR [SYS/TEMP] too many connections\r\n', 'server-busy', true],
    ['CON-02 maintenance', '-ERR closed for today\r\n', 'server-busy', true],
    ['CON-04 IMAP', '* OK IMAP4rev1\r\n', 'wrong-protocol', false],
    ['CON-04 SMTP', '220 mx ESMTP\r\n', 'wrong-protocol', false],
    ['CON-04 SMTP that turns away', '554 go away\r\n', 'wrong-protocol', false],
    ['CON-04 SSH', 'SSH-2.0-OpenSSH\r\n', 'wrong-protocol', false],
    ['CON-04 HTTP', 'HTTP/1.1 400 Bad Request\r\n', 'wrong-protocol', false],
    ['CON-05 a giant line', 'x'.repeat(20_000), 'protocol', true],
  ])('%s', async (_name, greeting, code, transient) => {
    expect(await refused((peer) => peer.send(greeting))).toMatchObject({ code, transient })
  })

  test('CON-04 says what it looks like', async () => {
    const error = await refused((peer) => peer.send('* OK IMAP4rev1\r\n'))
    expect(error).toMatchObject({
      message: 'this is an IMAP server, not a POP3 server',
      facts: { reply: '* OK IMAP4rev1' },
    })
  })

  test('CON-02 closed without a word', async () => {
    expect(
      await refused((peer) => {
        peer.end()
      }),
    ).toMatchObject({ code: 'connection-lost', hint: expect.stringContaining('without a word') as string })
  })

  test('CON-01 accepts, never greets', async () => {
    expect(await refused(() => undefined, { patience: { connect: 40 } })).toMatchObject({ code: 'timeout' })
  })

  test('CON-11 drips for ever', async () => {
    const script: Script = async (peer) => {
      while (!peer.closed) await peer.send('+')
    }
    // Whichever comes first: the connect limit or the longest line.
    expect(await refused(script, { patience: { connect: 40 } })).toMatchObject({ scope: 'session' })
  })

  test('CON-04 a plain account at a TLS port', async () => {
    const error = await refused((peer) => peer.secure(identity('good')), { patience: { connect: lastWord } })
    expect(error).toMatchObject({
      code: 'wrong-protocol',
      message: 'this port seems to expect TLS from the first byte',
      hint: expect.stringContaining('write `tls: implicit`') as string,
    })
  })

  test.each(['none', 'implicit'] as const)('CON-04 a web server waits for its client (tls: %s)', async (tls) => {
    const error = await refused(
      async (peer) => {
        if (tls === 'implicit') await peer.secure(identity('good'))
        await peer.line()
        await peer.send('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      },
      { tls, patience: { connect: lastWord } },
    )
    expect(error).toMatchObject({ code: 'wrong-protocol', message: 'this is a web server, not a POP3 server' })
  })

  test('CON-01 silent behind TLS, and hangs up on our last word', async () => {
    const script: Script = async (peer) => {
      await peer.secure(identity('good'))
      await peer.line()
      peer.end()
    }
    const error = await refused(script, { tls: 'implicit', patience: { connect: lastWord } })
    expect(error).toMatchObject({ code: 'timeout', hint: expect.stringContaining('no POP3 port') as string })
  })

  test('CON-01 a greeting that comes behind our last word', async () => {
    const error = await refused(
      async (peer) => {
        await peer.line()
        await peer.send('+OK at last\r\n')
      },
      { patience: { connect: lastWord } },
    )
    expect(error).toMatchObject({ code: 'timeout', transient: true })
  })

  test('CON-07 bare forms and line ends', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      await peer.send('+ok\n')
      await peer.answer({ CAPA: '-ERR\n', USER: '+OKgo on\r\n', PASS: '+OK   \n' })
    })
    const client = await open(server)
    client.drop()
    expect(server.lines()).toEqual(['CAPA', 'USER alice', `PASS ${password}`])
  })

  test('CON-13 one byte a segment', async () => {
    await using server = await ScriptServer.start(async (peer) => {
      const spell = async (text: string): Promise<void> => peer.send(...Array.from(text))
      await spell('+OK hello\r\n')
      await peer.answer({
        CAPA: () => spell('+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n'),
        USER: () => spell('+OK\r\n'),
        PASS: () => spell('+OK\r\n'),
      })
    })
    const client = await open(server)
    client.drop()
    expect(client.capabilities?.has('PIPELINING')).toBe(true)
  })
})
