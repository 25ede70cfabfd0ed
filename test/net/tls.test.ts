import { X509Certificate } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { Connection } from '../../src/net/connection.js'
import type { Fault } from '../../src/ports/fault.js'
import { connectionOptions, type TlsSettings } from '../../src/net/tls.js'
import { ScriptServer } from '../pop3/script-server.js'
import { authority, identity } from './certificates.js'

const ca = authority
const old: TlsOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }
const fingerprint256 = new X509Certificate(identity('self-signed').cert).fingerprint256

/** Connects with TLS from the first byte; resolves with what the server sent, or the failure. */
async function handshake(server: TlsOptions, settings: TlsSettings, host = 'localhost'): Promise<unknown> {
  await using script = await ScriptServer.start(async (peer) => {
    await peer.secure(server)
    await peer.send('+OK\r\n')
  })
  const connection = await Connection.dial({ host, port: script.port }, 5000, new AbortController().signal)
  try {
    await connection.secure(settings)
    return `${String(await connection.read(5000))}${connection.security ?? ''}`
  } catch (error) {
    expect(script.lines()).toEqual([])
    return error
  } finally {
    connection.destroy()
  }
}

describe('TLS', () => {
  test.each<[string, TlsOptions, TlsSettings, string]>([
    ['a good certificate', identity('good'), { ca }, 'localhost'],
    ['TLS-05 an address in the certificate', identity('good'), { ca }, '127.0.0.1'],
    ['TLS-05 another name, asked for', identity('wrong-name'), { ca, servername: 'mail.other.example' }, 'localhost'],
    ['exactly this certificate', identity('self-signed'), { fingerprint256 }, 'localhost'],
    ['colons and case', identity('self-signed'), { fingerprint256: plain(fingerprint256) }, 'localhost'],
    ['the fingerprint of an expired one', identity('expired'), { fingerprint256: of('expired') }, 'localhost'],
    ['verify: false', identity('expired'), { verify: false }, 'localhost'],
    ['TLS-07 TLS 1.0 by opt-in', { ...identity('good'), ...old }, { ca, minVersion: 'TLSv1' }, 'localhost'],
  ])('accepts: %s', async (_name, server, settings, host) => {
    expect(await handshake(server, settings, host)).toMatch(/^\+OK\r\nTLSv1[.\d]*, \w+/)
  })

  test.each<[string, TlsOptions, TlsSettings, string, string]>([
    ['expired', identity('expired'), { ca }, 'certificate', 'the certificate expired on 2020-02-01'],
    [
      'wrong name',
      identity('wrong-name'),
      { ca },
      'certificate',
      'the certificate is for mail.other.example, not localhost',
    ],
    ['servername', identity('good'), { ca, servername: 'a.b' }, 'certificate', 'is for localhost, 127.0.0.1, not a.b'],
    ['self-signed', identity('self-signed'), {}, 'certificate', 'is self-signed (for localhost, 127.0.0.1)'],
    ['unknown CA', identity('good'), {}, 'certificate', 'does not trust (popferry test authority)'],
    ['other fingerprint', identity('good'), { ca, fingerprint256 }, 'certificate', 'another fingerprint'],
    [
      'other fingerprint, whatever verify says',
      identity('good'),
      { fingerprint256, verify: false },
      'certificate',
      'another fingerprint',
    ],
    ['TLS-07 only TLS 1.0', { ...identity('good'), ...old }, { ca }, 'tls-failed', 'TLS version that is too old'],
    [
      'no common cipher',
      { ...identity('good'), maxVersion: 'TLSv1.2' },
      { ca, ciphers: 'AES128-SHA' },
      'tls-failed',
      'no encryption that both accept',
    ],
    ['a bad cipher list', identity('good'), { ca, ciphers: 'NONSENSE' }, 'tls-failed', 'the TLS options of the plan'],
    ['a bad CA', identity('good'), { ca: 'nonsense' }, 'certificate', 'does not trust'],
  ])('refuses: %s', async (...row) => {
    const [, server, settings, code, words] = row
    const error = await handshake(server, settings)
    expect(error).toMatchObject({ code, facts: { phase: 'TLS handshake' } })
    expect(String(error)).toContain(words)
  })

  test.each<[string, TlsOptions, TlsSettings, RegExp]>([
    ['expired', identity('expired'), { ca }, /^check the clock, .*renewed; PIN$/],
    ['not yet valid', identity('future'), { ca: identity('future').cert }, /^check the clock; .*replaced; PIN$/],
    ['self-signed', identity('self-signed'), {}, /^PIN$/],
    ['unknown authority', identity('good'), {}, /^a proxy or virus scanner in between\? .* tlsOptions\.ca; PIN$/],
    [
      'wrong name',
      identity('wrong-name'),
      { ca },
      /^if .* confirms the name, write `tlsOptions: { servername: mail\.other\.example }`; else a proxy/,
    ],
    ['other fingerprint', identity('good'), { ca, fingerprint256 }, /^it was renewed, or another server answers: ask/],
  ])('says what to do, with the fingerprint of just this certificate: %s', async (_name, server, settings, advice) => {
    const error = await handshake(server, settings)
    const { fingerprint256: own } = new X509Certificate(String(server.cert))
    const pin = `if the server’s admin confirms the fingerprint, write \`tlsOptions: { fingerprint256: "${own}" }\``
    const { hint } = error as Fault
    expect(hint).toMatch(/^no password was sent; /)
    expect(hint.replace('no password was sent; ', '').replace(pin, 'PIN')).toMatch(advice)
    // What is longer is cut where it is shown.
    expect(hint.length).toBeLessThan(300)
  })

  test('what the admin has pinned as told is accepted', async () => {
    const { hint } = (await handshake(identity('self-signed'), {})) as Fault
    const [, pinned] = /fingerprint256: "([^"]+)"/.exec(hint) ?? []
    expect(await handshake(identity('self-signed'), { fingerprint256: pinned })).toMatch(/^\+OK/)
  })

  test('both dates, where it may be the clock', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const expired = await handshake(identity('expired'), { ca })
    expect(String(expired)).toContain(`expired on 2020-02-01, and this machine’s clock says ${today}`)
    const early = await handshake(identity('future'), { ca: identity('future').cert })
    expect(String(early)).toContain(`is not valid before 2125-01-01, and this machine’s clock says ${today}`)
  })

  test('TLS-06 sends SNI, never for an address', async () => {
    const asked: string[] = []
    const server: TlsOptions = {
      ...identity('good'),
      SNICallback: (name, done) => {
        asked.push(name)
        done(null)
      },
    }
    await handshake(server, { ca }, 'localhost')
    await handshake(server, { ca }, '127.0.0.1')
    expect(asked).toEqual(['localhost'])
  })

  test('CON-04 a server that speaks plain on a TLS port', async () => {
    await using script = await ScriptServer.start((peer) => peer.send('+OK POP3 ready\r\n'))
    const connection = await Connection.dial(
      { host: 'localhost', port: script.port },
      5000,
      new AbortController().signal,
    )
    await expect(connection.secure({ ca })).rejects.toMatchObject({ code: 'wrong-protocol' })
  })

  test('TLS-04 the handshake never comes', async () => {
    await using script = await ScriptServer.start(() => undefined)
    const connection = await Connection.dial({ host: 'localhost', port: script.port }, 50, new AbortController().signal)
    await expect(connection.secure({ ca })).rejects.toMatchObject({
      code: 'timeout',
      facts: { phase: 'TLS handshake' },
    })
  })
})

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

function of(name: 'expired'): string {
  return new X509Certificate(identity(name).cert).fingerprint256
}

describe('what TLS options become', () => {
  const contextOf = (settings: TlsSettings): unknown => connectionOptions('pop.example', settings).secureContext

  test('is made once for equal options, as the authorities of the system take long to parse', () => {
    expect(contextOf({ ca })).toBe(contextOf({ ca, servername: 'other', verify: false }))
    expect(contextOf({ ca })).not.toBe(contextOf({}))
    expect(contextOf({ ca })).not.toBe(contextOf({ ca, minVersion: 'TLSv1.3' }))
    expect(contextOf({ ca })).not.toBe(contextOf({ ca, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }))
    expect(contextOf({ ca })).not.toBe(contextOf({ ca: identity('self-signed').cert }))
  })
})
