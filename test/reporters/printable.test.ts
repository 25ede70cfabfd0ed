import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableJson } from '../../src/reporters/printable.js'
import { hostile, unsafe } from './events.js'

describe('printable', () => {
  it.each([
    ['plain text', 'Grüße, 世界 🙂', 'Grüße, 世界 🙂'],
    ['C0', '\u001b[2J\u0007\t\r\n\0', '\\x1b[2J\\x07\\x09\\x0d\\x0a\\x00'],
    ['DEL and C1', '\u007f\u009b2J', '\\x7f\\x9b2J'],
    ['bidi', 'evil\u202etxt.exe\u2066', 'evil\\u{202e}txt.exe\\u{2066}'],
    ['invisible characters', 'pay\u200bpal\ufeff\u00ad', 'pay\\u{200b}pal\\u{feff}\\xad'],
    ['tags beyond the BMP', '\u{e0041}', '\\u{e0041}'],
    ['lone surrogates', 'a\ud800b\udc00', 'a\\u{d800}b\\u{dc00}'],
    ['line and paragraph separators', '\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['a backslash stays one', 'DOMAIN\\user', 'DOMAIN\\user'],
  ])('CON-06 %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it.each([
    ['at the limit', 'x'.repeat(300), 'x'.repeat(300)],
    ['beyond it', 'x'.repeat(301), `${'x'.repeat(300)}…`],
    ['by characters, never inside one', '🙂'.repeat(301), `${'🙂'.repeat(300)}…`],
    ['escapes count less, but not nothing', '\0'.repeat(300), `${'\\x00'.repeat(150)}…`],
  ])('is cut %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it('takes megabytes in no time and no room', () => {
    expect(printable('\u001b'.repeat(10_000_000)).length).toBeLessThanOrEqual(601)
  })

  it('holds nothing unsafe and is never longer than twice the limit, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (text, limit) => {
        const shown = printable(text, limit)
        expect(shown).not.toMatch(unsafe)
        expect(shown.length).toBeLessThanOrEqual(2 * limit + 1)
      }),
    )
  })
})

describe('printableJson', () => {
  it('keeps every value and every byte of it, on one safe line', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const line = printableJson(value)
        expect(line).not.toMatch(unsafe)
        expect(JSON.stringify(JSON.parse(line))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('escapes what JSON would let through', () => {
    expect(printableJson({ text: hostile })).not.toMatch(unsafe)
    expect(printableJson('\u{e0041}\u009b')).toBe('"\\udb40\\udc41\\u009b"')
    expect((JSON.parse(printableJson({ text: hostile })) as { text: string }).text).toBe(hostile)
  })
})
