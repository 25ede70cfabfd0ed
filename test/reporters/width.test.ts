import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutToWidth, displayWidth, padToWidth } from '../../src/reporters/width.js'

describe('width', () => {
  it.each([
    ['ASCII', 'abc', 3],
    ['Latin', 'Grüße', 5],
    ['combining characters', 'e\u0301a\u0308', 2],
    ['East Asian', '世界かな한글', 12],
    ['full width', 'Ａ！', 4],
    ['emoji', '🙂', 2],
    ['nothing', '', 0],
  ])('%s', (_, text, width) => {
    expect(displayWidth(text)).toBe(width)
  })

  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['世界', 4, '世界'],
    ['世界', 3, '世…'],
    ['世界', 2, '…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['abc', -1, ''],
  ])('%s cut to %d', (text, columns, expected) => {
    expect(cutToWidth(text, columns)).toBe(expected)
  })

  it('pads on either side', () => {
    expect(padToWidth('世', 4)).toBe('世  ')
    expect(padToWidth('7', 4, 'left')).toBe('   7')
    expect(padToWidth('世界', 3, 'left')).toBe('世…')
  })

  it('whatever the text: cut at most so wide, padded exactly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, columns) => {
        expect(displayWidth(cutToWidth(text, columns))).toBeLessThanOrEqual(columns)
        expect(displayWidth(padToWidth(text, columns))).toBe(columns)
      }),
    )
  })
})
