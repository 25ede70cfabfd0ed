/** How a target ends its lines. `crlf` keeps the bytes as sent. */
export type Newline = 'lf' | 'crlf'

/**
 * Turns CRLF into LF while bytes stream through; a lone CR and a bare LF stay. The result can be turned back exactly
 * unless a bare LF occurred (`lossy`). Each part is valid until the next call.
 */
export class LfEncoder {
  /** A bare LF has been seen: the message can no longer be told from one with CRLF there. */
  lossy = false
  /** The last byte was a CR and is held back, because a LF may follow. */
  #heldCr = false
  #before = 0

  push(bytes: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafeSlow(bytes.length + 1)
    let length = 0
    if (this.#heldCr && bytes.length > 0 && bytes[0] !== lf) out[length++] = cr
    if (bytes.length > 0) this.#heldCr = false
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let start = 0
    for (let at = source.indexOf(lf); at >= 0; at = source.indexOf(lf, at + 1)) {
      const previous = at > 0 ? source[at - 1] : this.#before
      if (previous === cr) {
        // At the very start the CR was held back and is dropped there.
        const end = Math.max(at - 1, start)
        length += source.copy(out, length, start, end)
        out[length++] = lf
        start = at + 1
      } else {
        this.lossy = true
      }
    }
    let end = source.length
    if (end > start && source[end - 1] === cr) {
      this.#heldCr = true
      end--
    }
    length += source.copy(out, length, start, end)
    if (source.length > 0) this.#before = source[source.length - 1] ?? 0
    return out.subarray(0, length)
  }

  /** A message that is complete in one part. */
  whole(bytes: Uint8Array): Uint8Array {
    const start = this.push(bytes)
    return this.#heldCr ? Buffer.concat([start, this.end()]) : start
  }

  end(): Uint8Array {
    return this.#heldCr ? Uint8Array.of(cr) : new Uint8Array()
  }
}

/** The inverse of LfEncoder for messages without bare LF: every LF becomes CRLF. */
export function lfToCrlf(bytes: Uint8Array): Uint8Array {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = source.indexOf(lf); at >= 0; at = source.indexOf(lf, at + 1)) count++
  const out = Buffer.allocUnsafeSlow(source.length + count)
  let length = 0
  let start = 0
  for (let at = source.indexOf(lf); at >= 0; at = source.indexOf(lf, at + 1)) {
    length += source.copy(out, length, start, at)
    out[length++] = cr
    out[length++] = lf
    start = at + 1
  }
  length += source.copy(out, length, start)
  return out.subarray(0, length)
}

const lf = 0x0a
const cr = 0x0d
