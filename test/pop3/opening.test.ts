import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { identity } from '../net/certificates.js'
import { failureOf, open, password } from './opened.js'
import { capa, script, ScriptServer, type Peer, type Replies, type Script } from './script-server.js'

/** A server with STLS: one set of replies before the handshake and one after it. */
function upgrading(before: Replies, after: Replies, certificate = identity('good')): Script {
  const upgrade = async (_line: string, peer: Peer): Promise<void> => {
    await peer.send('+OK begin\r\n')
    await peer.secure(certificate)
    await peer.answer(after)
  }
  return script({ CAPA: capa('STLS', 'SASL PLAIN'), STLS: upgrade, ...before })
}

/** Fails to open, and no credential was sent. */
async function closed(serverScript: Script, code: string): Promise<unknown> {
  await using server = await ScriptServer.start(serverScript)
  const error = await failureOf(open(server, { tls: 'starttls', host: 'localhost', patience: { connect: 500 } }))
  expect(server.lines().join()).not.toMatch(/USER|PASS|AUTH|APOP/)
  expect(error).toMatchObject({ code, transient: code === 'timeout' })
  return error
}

describe('CAPA', () => {
  test('CAP-01 unknown: signs in all the same and does not ask again', async () => {
    await using server = await ScriptServer.start(script({}))
    const client = await open(server)
    client.drop()
    expect(client.capabilities).toBeUndefined()
    expect(server.lines()).toEqual(['CAPA', 'USER alice', `PASS ${password}`])
  })

  test('CAP-03 the list after sign-in counts', async () => {
    await using server = await ScriptServer.start(
      script({ CAPA: (_line, peer) => peer.send(capa(peer.lines.length > 1 ? 'UIDL' : 'TOP')) }),
    )
    const client = await open(server)
    client.drop()
    expect([client.capabilities?.has('UIDL'), client.capabilities?.has('TOP')]).toEqual([true, false])
  })

  test('CAP-05 endless', async () => {
    await using server = await ScriptServer.start(
      script({
        CAPA: async (_line, peer) => {
          await peer.send('+OK\r\n')
          while (!peer.closed) await peer.send('X-MORE\r\n'.repeat(100))
        },
      }),
    )
    expect(await failureOf(open(server))).toMatchObject({ code: 'protocol', facts: { phase: 'CAPA' } })
  })

  test('CAP-08 UTF8 is sent before sign-in where listed', async () => {
    await using server = await ScriptServer.start(script({ CAPA: capa('UTF8 USER', 'UIDL'), UTF8: '-ERR no\r\n' }))
    const client = await open(server)
    client.drop()
    expect(server.lines().slice(0, 3)).toEqual(['CAPA', 'UTF8', 'USER alice'])
  })
})

describe('STLS', () => {
  test('CAP-03 what was said before TLS is forgotten; TLS-05 the name is checked', async () => {
    await using server = await ScriptServer.start(upgrading({}, { CAPA: capa('SASL XOAUTH2', 'UIDL') }))
    const client = await open(server, { tls: 'starttls', host: 'localhost' })
    expect(client.wire.connection.security).toMatch(/^TLSv1\.3/)
    client.drop()
    expect(server.lines()).toEqual(['CAPA', 'STLS', 'CAPA', 'USER alice', `PASS ${password}`, 'CAPA'])
  })

  test('CAP-01 without CAPA, STLS is tried', async () => {
    await using server = await ScriptServer.start(upgrading({ CAPA: '-ERR\r\n' }, {}))
    const client = await open(server, { tls: 'starttls', host: 'localhost' })
    client.drop()
    expect(server.lines()).toEqual(['CAPA', 'STLS', 'CAPA', 'USER alice', `PASS ${password}`])
  })

  test.each<[string, Script, string]>([
    ['TLS-01 not offered', script({ CAPA: capa('SASL PLAIN', 'USER') }), 'starttls-missing'],
    ['TLS-01 CAPA refused, STLS unknown', script({}), 'starttls-missing'],
    ['TLS-02 refused', script({ CAPA: capa('STLS'), STLS: '-ERR not now\r\n' }), 'starttls-missing'],
    [
      'TLS-03 a forged reply behind +OK',
      script({ CAPA: capa('STLS'), STLS: '+OK\r\n+OK logged in\r\n' }),
      'starttls-injected',
    ],
    ['agreed to, then refused', script({ CAPA: capa('STLS'), STLS: '+OK\r\n-ERR no\r\n' }), 'starttls-missing'],
    ['TLS-04 no handshake', script({ CAPA: capa('STLS'), STLS: '+OK\r\n' }), 'timeout'],
    ['TLS-05 expired', upgrading({}, {}, identity('expired')), 'certificate'],
    ['TLS-05 wrong name', upgrading({}, {}, identity('wrong-name')), 'certificate'],
    ['TLS-05 self-signed', upgrading({}, {}, identity('self-signed')), 'certificate'],
  ])('%s: no credential is sent', async (_name, serverScript, code) => {
    await closed(serverScript, code)
  })
})

describe('quit', () => {
  test('SES-11 a hang-up instead of an answer is no failure', async () => {
    await using server = await ScriptServer.start(
      script({
        QUIT: (_line, peer) => {
          peer.reset()
        },
      }),
    )
    const client = await open(server)
    await client.quit()
    expect(server.lines().at(-1)).toBe('QUIT')
  })

  test('CON-11 is not waited for longer than for any other answer, though octets come', async () => {
    const drip = async (_line: string, peer: Peer): Promise<void> => {
      while (!peer.closed) {
        await peer.send('x')
        await pause(20)
      }
    }
    await using server = await ScriptServer.start(script({ QUIT: drip }))
    const client = await open(server, { patience: { reply: 200 } })
    await client.quit().catch(() => undefined)
    expect(server.lines().at(-1)).toBe('QUIT')
  }, 5000)
})
