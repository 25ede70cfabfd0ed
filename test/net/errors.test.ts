import { describe, expect, test } from 'vitest'
import { networkFault } from '../../src/net/errors.js'
import type { Fault } from '../../src/ports/fault.js'

const facts = { server: 'h:1', phase: 'UIDL' }

function fault(code: string, handshaking = false, more: object = {}): Fault {
  const cause = Object.assign(new Error('system words'), { code })
  const result = networkFault(cause, { ...facts, ...more }, { handshaking, address: undefined })
  expect(result).toMatchObject({ cause, facts: { server: 'h:1' } })
  return result
}

describe('networkFault', () => {
  test.each([
    ['ENOTFOUND', 'unknown-host', 'no such host name', /typing error/],
    ['ENODATA', 'unknown-host', 'the host name has no address', /typing error/],
    ['EAI_AGAIN', 'unreachable', 'the name server does not answer', /cannot look up names at the moment.*DNS/],
    ['ECONNREFUSED', 'unreachable', 'the connection was refused', /nothing listens on this port, or a firewall/],
    ['EHOSTUNREACH', 'unreachable', 'there is no route to the host', /network, VPN and firewall of this machine/],
    ['ENETUNREACH', 'unreachable', 'the network is unreachable', /network, VPN and firewall of this machine/],
    ['EADDRNOTAVAIL', 'unreachable', 'the address cannot be reached from here', /of this machine/],
    ['ETIMEDOUT', 'unreachable', 'the network timed out', /check host, port and firewall/],
    ['ECONNRESET', 'connection-lost', 'the connection was reset', /goes on where this one stopped/],
    ['EPIPE', 'connection-lost', 'the server closed the connection', /goes on where this one stopped/],
    ['EODD', 'connection-lost', 'the connection broke (EODD)', /goes on where this one stopped/],
  ] as const)('%s is %s', (code, expected, words, hint) => {
    expect(fault(code)).toMatchObject({ code: expected, message: words, hint: expect.stringMatching(hint) as string })
  })

  test.each([
    [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'wrong-protocol',
      'does not speak TLS from the first byte',
      /995.*`tls: starttls`/,
    ],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'wrong-protocol', 'does not speak TLS from the first byte', /995/],
    ['ERR_SSL_BAD_RECORD_TYPE', 'wrong-protocol', 'does not speak TLS from the first byte', /995/],
    ['ERR_SSL_HTTP_REQUEST', 'wrong-protocol', 'does not speak TLS from the first byte', /995/],
    [
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'tls-failed',
      'TLS version that is too old',
      /updated, or lower tlsOptions.minVersion/,
    ],
    ['ERR_SSL_DH_KEY_TOO_SMALL', 'tls-failed', 'too weak', /updated, or lower tlsOptions.minVersion/],
    ['ERR_SSL_EE_KEY_TOO_SMALL', 'tls-failed', 'too weak', /updated, or lower/],
    ['ERR_SSL_CA_MD_TOO_WEAK', 'tls-failed', 'too weak', /updated, or lower/],
    ['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED', 'tls-failed', 'too weak', /updated, or lower/],
    ['ERR_SSL_SOMETHING_NEW', 'tls-failed', 'the TLS handshake failed (something new)', /check `tls`, `port`/],
  ] as const)('CON-04, TLS-07 while shaking hands, %s is %s', (code, expected, words, hint) => {
    const result = fault(code, true)
    expect(result).toMatchObject({ code: expected, hint: expect.stringMatching(hint) as string })
    expect(result.message).toContain(words)
    // Later, a record that cannot be read is a broken line.
    expect(fault(code)).toMatchObject({ code: 'connection-lost', message: `the connection broke (${code})` })
  })

  test.each([
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TLS version that is too old', /lower tlsOptions.minVersion/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'no encryption that both accept', /check tlsOptions.ciphers/],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'does not know the name', /check `host`.*tlsOptions.servername/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'wants a certificate from its clients', /ask the server’s admin/],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'wants a certificate from its clients', /ask the server’s admin/],
    ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'refuses this client', /address is allowed/],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'failed during the TLS handshake', /look into its log/],
  ] as const)('the alert %s says the same whenever it comes', (code, words, hint) => {
    for (const handshaking of [true, false]) {
      const result = fault(code, handshaking)
      expect(result).toMatchObject({ code: 'tls-failed', hint: expect.stringMatching(hint) as string })
      expect(result.message).toContain(words)
    }
  })

  test.each([
    ['connection-lost', 'TLS handshake', /turns us away: check `port` and `tls`/],
    ['connection-lost', 'greeting', /turns us away without a word/],
  ])('%s before the first word (%s) has another reason than later', (code, phase, hint) => {
    expect(fault('ECONNRESET', false, { phase })).toMatchObject({ code, hint: expect.stringMatching(hint) as string })
  })

  test('CON-08 of several addresses, the one that was reached says most', () => {
    const one = (code: string): Error => Object.assign(new Error(code), { code })
    const all = (...codes: string[]): Fault => {
      const cause = Object.assign(new AggregateError(codes.map(one)), { code: codes[0] })
      return networkFault(cause, facts, { handshaking: false, address: undefined })
    }
    expect(all('ENETUNREACH', 'ECONNREFUSED').message).toBe('the connection was refused')
    expect(all('ECONNREFUSED', 'EHOSTUNREACH').message).toBe('the connection was refused')
    expect(all('ENETUNREACH', 'EHOSTUNREACH').message).toBe('the network is unreachable')
  })

  test('what is no Error', () => {
    expect(networkFault('odd', facts, { handshaking: false, address: undefined }).message).toBe(
      'the connection broke (odd)',
    )
  })
})
