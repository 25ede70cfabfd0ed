import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LfEncoder, lfToCrlf } from '../../src/mail/line-ends.js'

const tricky = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'a', '\0', '\r\r\n', 'bc'), { maxLength: 40 })

function encode(parts: readonly Uint8Array[]): { text: string; lossy: boolean } {
  const encoder = new LfEncoder()
  const out = parts.map((part) => Buffer.from(encoder.push(part)))
  out.push(Buffer.from(encoder.end()))
  return { text: Buffer.concat(out).toString('latin1'), lossy: encoder.lossy }
}

describe('LfEncoder', () => {
  it('turns CRLF into LF in any chunking, and nothing else (QUIRKS RET-09, MBX-05)', () => {
    fc.assert(
      fc.property(tricky, fc.array(fc.nat(80)), (pieces, cuts) => {
        const text = pieces.join('')
        const edges = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length]
        const parts = edges.slice(1).map((end, index) => Buffer.from(text.slice(edges[index], end), 'latin1'))
        const { text: stored, lossy } = encode(parts)
        expect(stored).toBe(text.replaceAll('\r\n', '\n'))
        expect(lossy).toBe(/(^|[^\r])\n/.test(text))
      }),
    )
  })

  it('can be turned back unless a bare LF occurred', () => {
    fc.assert(
      fc.property(tricky, (pieces) => {
        const text = pieces.join('')
        const { text: stored, lossy } = encode([Buffer.from(text, 'latin1')])
        const back = Buffer.from(lfToCrlf(Buffer.from(stored, 'latin1'))).toString('latin1')
        expect(back === text).toBe(!lossy)
      }),
    )
  })
})
