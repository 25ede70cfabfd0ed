import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/ports/secret.js'
import { apopDigest, passArgument } from '../../src/sasl/password.js'
import { revealToken } from '../../src/sasl/reveal.js'

describe('passwords', () => {
  test('APOP: RFC 1939 §7 example', () => {
    const digest = apopDigest('<1896.697170952@dbc.mtview.ca.us>', new Secret('tanstaaf'))
    expect(digest).toBe('c4c9334bac560ecc979e58001b3e22fb')
  })

  test('AUT-12 the password stays as it is', () => {
    expect(passArgument(new Secret('  pä"ss #1% '))).toBe('  pä"ss #1% ')
  })

  test.each(['a\r\nDELE 1', 'a\n', 'a\0b'])('AUT-12 %j cannot be sent', (text) => {
    expect(() => passArgument(new Secret(text))).toThrow(expect.objectContaining({ code: 'auth-failed' }))
  })
})

describe('tokens', () => {
  test('are visible ASCII', () => {
    expect(revealToken(new Secret('ya29.a0Af-_~+/=='))).toBe('ya29.a0Af-_~+/==')
  })

  test.each(['', 'Bearer abc', 'a\x01auth=x', 'a\nb', 'a\0', 'tökén', '{"access_token": "abc"}'])(
    '%j cannot be one',
    (text) => {
      expect(() => revealToken(new Secret(text))).toThrow(
        expect.objectContaining({ code: 'auth-failed', hint: expect.stringContaining('Bearer') as string }),
      )
    },
  )
})
