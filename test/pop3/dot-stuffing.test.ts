import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DotStuffing } from '../../src/pop3/dot-stuffing.js'

interface Decoded {
  readonly bytes: string
  readonly unstuffedDot: boolean
  /** Bytes taken up to the end of the terminator; undefined if there is none. */
  readonly taken: number | undefined
}

/** Feeds the wire bytes cut into the given sizes (then the rest), each piece in its own buffer. */
function decode(wire: Buffer, sizes: readonly number[], bareLf = false): Decoded {
  const decoder = new DotStuffing(bareLf)
  const pieces: Buffer[] = []
  let at = 0
  for (const size of [...sizes, wire.length]) {
    if (at >= wire.length) break
    // A leading byte that is not ours: the start position must be respected.
    decoder.push(Buffer.concat([Buffer.from('.'), wire.subarray(at, at + size)]), 1)
    for (let piece = decoder.next(); piece; piece = decoder.next()) pieces.push(Buffer.from(piece))
    if (decoder.done) return result(at + decoder.position - 1)
    at += size
  }
  return result(undefined)

  function result(taken: number | undefined): Decoded {
    return { bytes: Buffer.concat(pieces).toString('latin1'), unstuffedDot: decoder.unstuffedDot, taken }
  }
}

/** The same, the obvious way, over the whole text. */
function reference(wire: Buffer, bareLf: boolean): Decoded {
  const text = wire.toString('latin1')
  let bytes = ''
  let unstuffedDot = false
  for (let at = 0; at < text.length;) {
    const lineStart = at === 0 || text.endsWith(bareLf ? '\n' : '\r\n', at) || text.slice(0, at).endsWith('\r\n')
    const rest = text.slice(at, at + 3)
    if (lineStart && (rest === '.\r\n' || (bareLf && rest.startsWith('.\n')))) {
      return { bytes, unstuffedDot, taken: at + (rest === '.\r\n' ? 3 : 2) }
    }
    if (lineStart && rest.startsWith('..')) at++
    else if (lineStart && rest.startsWith('.')) unstuffedDot ||= at > 0
    bytes += text.charAt(at++)
  }
  return { bytes, unstuffedDot, taken: undefined }
}

const octet = fc.constantFrom('.', '.', '\r', '\n', '\r\n', '\r\n.', '\r\n..', 'a', '\0', '\xff', 'text')
const wireText = fc.array(octet, { maxLength: 40 }).map((parts) => parts.join(''))
const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 200 })

describe('DotStuffing', () => {
  test.each([[false], [true]])('RET-02 any chunking gives what the obvious decoder gives (bareLf %s)', (bareLf) => {
    fc.assert(
      fc.property(wireText, fc.constantFrom('', '\r\n.\r\n', '\n.\n'), wireText, sizes, (body, end, behind, cuts) => {
        const wire = Buffer.from(body + end + behind, 'latin1')
        const expected = reference(wire, bareLf)
        const got = decode(wire, cuts, bareLf)
        const one = decode(
          wire,
          Array.from(wire, () => 1),
          bareLf,
        )
        expect(got.taken).toBe(expected.taken)
        expect(one).toEqual(got)
        // Without a terminator, a dot or two may still be withheld.
        if (expected.taken !== undefined) expect(got).toEqual(expected)
        else expect(expected.bytes.startsWith(got.bytes)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('a stuffed message comes back whole, all 256 byte values (RET-08), one byte a chunk or in one piece', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(bytes, (octets) => {
        const message = `${Buffer.from(octets).toString('latin1')}\r\n`
        const stuffed = message.replace(/^\./, '..').replaceAll('\r\n.', '\r\n..')
        const wire = Buffer.from(`${stuffed}.\r\n`, 'latin1')
        for (const cuts of [[], Array.from(wire, () => 1)]) {
          expect(decode(wire, cuts)).toEqual({ bytes: message, unstuffedDot: false, taken: wire.length })
        }
      }),
    )
  })

  test.each([
    ['RET-27 empty', '.\r\n', '', false],
    ['one blank line', '\r\n.\r\n', '\r\n', false],
    ['RET-01 stuffed dots', 'a\r\n..\r\n...b\r\n.\r\n', 'a\r\n.\r\n..b\r\n', false],
    ['RET-01 stuffed dot as the very first byte', '..a\r\n.\r\n', '.a\r\n', false],
    ['RET-03 the very first byte unstuffed, as Dovecot and Courier do', '.X-Dot: 1\r\n.\r\n', '.X-Dot: 1\r\n', false],
    ['RET-03 a server that does not stuff', 'a\r\n.foo\r\n.\r\n', 'a\r\n.foo\r\n', true],
    ['RET-05 bare LF around a dot is content', 'x\n.\ny\n..z\r\n.\r\n', 'x\n.\ny\n..z\r\n', false],
    ['RET-05 a dot line ended by LF alone', 'x\r\n.\ny\r\n.\r\n', 'x\r\n.\ny\r\n', true],
    ['RET-09 CR and CR CR LF', 'a\rb\r\r\n.\r\n', 'a\rb\r\r\n', false],
    ['RET-09 CR before the dot only', 'a\r.\r\n\r\n.\r\n', 'a\r.\r\n\r\n', false],
    ['RET-07 half a terminator, then another', 'a\r\n.\r\r\n.\r\n', 'a\r\n.\r\r\n', true],
    ['RET-10 trailing blank lines stay', 'a\r\n\r\n\r\n.\r\n', 'a\r\n\r\n\r\n', false],
    ['RET-19 lines like protocol', '+OK\r\n-ERR x\r\n .\r\n..\t\r\n.\r\n', '+OK\r\n-ERR x\r\n .\r\n.\t\r\n', false],
  ])('%s, cut at every offset', (_name, wire, bytes, unstuffedDot) => {
    const buffer = Buffer.from(`${wire}+OK next\r\n`, 'latin1')
    for (let cut = 1; cut <= wire.length; cut++) {
      expect(decode(buffer, [cut])).toEqual({ bytes, unstuffedDot, taken: wire.length })
    }
  })

  test('RET-05 LF-only server', () => {
    const expected = { bytes: 'a\n.b\n', unstuffedDot: false, taken: 9 }
    expect(decode(Buffer.from('a\n..b\n.\n+OK'), [], true)).toEqual({ ...expected, taken: 8 })
    expect(decode(Buffer.from('a\n..b\n.\r\n+OK'), [], true)).toEqual(expected)
  })

  test('RET-06 no terminator without its CRLF', () => {
    expect(decode(Buffer.from('last text.\r\n'), [])).toMatchObject({ bytes: 'last text.\r\n', taken: undefined })
  })

  test('RET-11 a long line is passed on as views, not copied', () => {
    const decoder = new DotStuffing(false)
    const chunk = Buffer.alloc(1 << 20, 'x')
    decoder.push(chunk, 0)
    expect(decoder.next()?.buffer).toBe(chunk.buffer)
    expect(decoder.next()).toBeUndefined()
  })
})
