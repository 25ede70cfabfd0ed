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
  readonly #allocate: (octets: number) => Buffer

  /** `allocate` gives memory for a part that nobody else writes to while the part is in use. */
  constructor(allocate = (octets: number): Buffer => Buffer.allocUnsafeSlow(octets)) {
    this.#allocate = allocate
  }

  push(bytes: Uint8Array): Uint8Array {
    const out = this.#allocate(bytes.length + 1)
    let length = 0
    let previous = 0
    if (this.#heldCr && bytes.length > 0) previous = out[length++] = cr
    // eslint-disable-next-line @typescript-eslint/prefer-for-of -- three times as slow over a typed array (measured)
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte === lf) {
        if (previous === cr) length--
        else this.lossy = true
      }
      out[length++] = byte
      previous = byte
    }
    if (bytes.length > 0) this.#heldCr = previous === cr
    if (previous === cr) length--
    return out.subarray(0, length)
  }

  /** A message that is complete in one part. */
  whole(bytes: Uint8Array): Uint8Array {
    const start = this.push(bytes)
    if (!this.#heldCr) return start
    // The part had room for it.
    const all = Buffer.from(start.buffer, start.byteOffset, start.length + 1)
    all[start.length] = cr
    return all
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
