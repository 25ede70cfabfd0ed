import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/ports/secret.js'
import { Scrubber } from '../../src/sasl/scrubber.js'

function scrub(secret: string, text: string): string {
  return new Scrubber(new Secret(secret)).scrub(text)
}

describe('SEC-02 Scrubber', () => {
  const secret = 'p&ss "wörd"'
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')

  test.each([
    ['as it is', secret],
    ['in capitals', secret.toUpperCase()],
    ['base64', bytes.toString('base64')],
    ['base64 without its end', bytes.toString('base64').replace(/=+$/, '')],
    ['base64 for URLs', bytes.toString('base64url')],
    ['hexadecimal', hex],
    ['hexadecimal in capitals', hex.toUpperCase()],
    ['hexadecimal with colons', hex.replaceAll(/..(?!$)/g, '$&:')],
    ['percent signs', encodeURIComponent(secret)],
    ['small percent signs', encodeURIComponent(secret).toLowerCase()],
    ['a form', encodeURIComponent(secret).replaceAll('%20', '+')],
    ['percent signs throughout', hex.replaceAll(/../g, '%$&')],
    ['Latin-1', bytes.toString('latin1')],
    ['JSON', JSON.stringify(secret).slice(1, -1)],
    ['HTML', 'p&amp;ss &quot;wörd&quot;'],
    ['decomposed', secret.normalize('NFC')],
  ])('finds it %s', (_, echo) => {
    expect(scrub(secret, `-ERR "${echo}"?`)).toBe('-ERR "***"?')
  })

  test.each(['\0tim\0', '\0tims\0', '\0timmy\0', 'user=x\x01auth=Bearer '])(
    'finds it inside of base64 behind %j',
    (before) => {
      const whole = Buffer.from(`${before}correct-horse\x01\x01`).toString('base64')
      const left = scrub('correct-horse', whole)
      expect(left).toContain('***')
      expect(Buffer.from(left.replace(/\*\*\*.*/, ''), 'base64').toString()).not.toContain('co')
    },
  )

  test.each([20, 40, 100])('finds %i characters of a long one', (length) => {
    const token = Array.from({ length: 40 }, (_, index) => `ya29${index}`).join('')
    expect(scrub(token, `-ERR ${token.slice(30, 30 + length)}`)).toBe('-ERR ***')
    expect(scrub(token, `${token}${token.slice(0, length)} later`)).toBe('****** later')
  })

  test('leaves other words alone', () => {
    const token = 'ya29.A0ARrdaM-0123456789abcdefghijklmnopqrstuvwxyz'
    const words = '-ERR [AUTH] Authentication failed. eyJzdGF0dXMiOiI0MDEi'
    expect(scrub(token, words)).toBe(words)
    expect(scrub('', words)).toBe(words)
  })

  test('finds what is added', () => {
    const scrubber = new Scrubber(new Secret('secret'))
    scrubber.add('c=biws,r=abc,p=proof')
    expect(scrubber.scrub('bad c=biws,r=abc,p=proof of secret')).toBe('bad *** of ***')
  })

  test('any password', () => {
    const property = fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      fc.pre(!/[\r\n\0]/.test(text))
      expect(scrub(text, `-ERR ${text}?`)).not.toContain(` ${text}?`)
    })
    fc.assert(property, { examples: [['abcd-efgh'], ['a.*+?()[]{}|^$\\/'], ['\ud800']] })
  })
})
