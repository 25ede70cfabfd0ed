import { describe, expect, test } from 'vitest'
import { earlyHint } from '../../src/net/early.js'

describe('advice before the server has said anything', () => {
  test.each([
    ['timeout', 'connect', /host is down, or a firewall drops/],
    ['timeout', 'TLS handshake', /no port for TLS/],
    ['timeout', 'greeting', /no POP3 port/],
    ['connection-lost', 'TLS handshake', /turns us away/],
    ['connection-lost', 'greeting', /turns us away without a word/],
  ] as const)('%s at %s', (code, phase, hint) => {
    expect(earlyHint(code, phase, undefined)).toMatch(hint)
    expect(earlyHint(code, phase, '192.0.2.1')).toBe(earlyHint(code, phase, undefined))
  })

  test('CON-08 over IPv6 the way itself may be broken', () => {
    expect(earlyHint('timeout', 'TLS handshake', '2001:db8::1')).toMatch(
      /; if only IPv6 \(2001:db8::1\) is broken, write the IPv4 address as `host`, the name as tlsOptions.servername$/,
    )
  })

  test.each([
    ['timeout', 'RETR 7'],
    ['certificate', 'TLS handshake'],
    ['timeout', undefined],
  ] as const)('none for %s at %s', (code, phase) => {
    expect(earlyHint(code, phase, '2001:db8::1')).toBeUndefined()
  })
})
