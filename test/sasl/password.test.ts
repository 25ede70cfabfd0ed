import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/ports/secret.js'
import { apopDigest, passArgument, plainResponse, scrubber } from '../../src/sasl/password.js'

describe('password mechanisms', () => {
  test('PLAIN: RFC 4616 §4 examples', () => {
    expect(Buffer.from(plainResponse('tim', new Secret('tanstaaftanstaaf')), 'base64').toString()).toBe(
      '\0tim\0tanstaaftanstaaf',
    )
    expect(Buffer.from(plainResponse('Kurt', new Secret('xipj3plmq'), 'Ursel'), 'base64').toString()).toBe(
      'Ursel\0Kurt\0xipj3plmq',
    )
  })

  test('APOP: RFC 1939 §7 example', () => {
    const digest = apopDigest('<1896.697170952@dbc.mtview.ca.us>', new Secret('tanstaaf'))
    expect(digest).toBe('c4c9334bac560ecc979e58001b3e22fb')
  })

  test('AUT-12 the password stays as it is', () => {
    expect(passArgument(new Secret('  pä"ss #1% '))).toBe('  pä"ss #1% ')
  })

  test.each(['a\r\nDELE 1', 'a\n', 'a\0b'])('AUT-12 %j cannot be sent', (text) => {
    for (const use of [passArgument, scrubber, (secret: Secret) => plainResponse('u', secret)]) {
      expect(() => use(new Secret(text))).toThrow(expect.objectContaining({ code: 'auth-failed' }))
    }
  })

  test('SEC-02 every form of the password is scrubbed', () => {
    const secret = 'p&ss wörd'
    const bytes = Buffer.from(secret)
    const percent = encodeURIComponent(secret)
    const forms = [secret, bytes.toString('base64'), bytes.toString('hex'), percent, bytes.toString('latin1')]
    const otherCase = [bytes.toString('hex').toUpperCase(), percent.toLowerCase()]
    const shown = scrubber(new Secret(secret))([...forms, ...otherCase].join('|'))
    expect(shown).toBe(Array.from({ length: 7 }, () => '***').join('|'))
  })

  test('any password can be scrubbed', () => {
    const property = fc.property(fc.string({ unit: 'binary', minLength: 1 }), (secret) => {
      fc.pre(!/[\r\n\0]/.test(secret))
      expect(scrubber(new Secret(secret))(`-ERR ${secret}?`)).not.toContain(` ${secret}?`)
    })
    fc.assert(property, { examples: [['abcd-efgh'], ['a.*+?()[]{}|^$\\/'], ['\ud800']] })
  })

  test('an empty password scrubs nothing', () => {
    expect(scrubber(new Secret(''))('-ERR no')).toBe('-ERR no')
  })
})
