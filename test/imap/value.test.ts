import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Value, ValueReader } from '../../src/imap/value.js'

function read(...pieces: string[]): readonly Value[] {
  return new ValueReader(
    pieces.map((piece) => Buffer.from(piece, 'latin1')),
    0,
  ).all()
}

describe('ValueReader', () => {
  it.each<[string, readonly Value[]]>([
    ['a 12 NIL "NIL" nil', ['a', '12', null, 'NIL', null]],
    ['(\\Seen \\*) ((a) ()) "q\\"\\\\x"', [['\\Seen', '\\*'], [['a'], []], 'q"\\x']],
    ['UID 7 BODY[HEADER.FIELDS (DATE FROM)]<0> ""', ['UID', '7', 'BODY[HEADER.FIELDS (DATE FROM)]<0>', '']],
    ['', []],
    ['a"b"', ['a', 'b']],
  ])('reads %s', (text, values) => {
    expect(read(text)).toEqual(values)
  })

  it('takes literals in their place', () => {
    expect(read('(UID 1 BODY[] ', 'x\r\n) y', ' FLAGS ()) z')).toEqual([
      ['UID', '1', 'BODY[]', Buffer.from('x\r\n) y'), 'FLAGS', []],
      'z',
    ])
  })

  it.each(['(a', '"a', '(a "b) c', ')', '('.repeat(100), `(${'a '.repeat(20_000)})`])('refuses %.20s', (text) => {
    expect(() => read(text)).toThrow(SyntaxError)
  })

  it('never does anything but answer or refuse, whatever comes', () => {
    const piece = fc.string({ unit: fc.constantFrom('(', ')', '[', ']', '"', '\\', ' ', 'a', '1', '{', '}', '*') })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), (pieces) => {
        try {
          return Array.isArray(read(...pieces))
        } catch (error) {
          return error instanceof SyntaxError
        }
      }),
    )
  })
})
