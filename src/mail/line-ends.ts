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
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const out = this.#allocate(source.length + 1)
    let length = 0
    let start = 0
    const held = this.#heldCr && source.length > 0
    if (held && source[0] !== lf) out[length++] = cr
    // Line by line, not byte by byte: half the time (measured).
    for (let at = source.indexOf(lf); at >= 0; at = source.indexOf(lf, start)) {
      const end = at > start && source[at - 1] === cr ? at - 1 : at
      if (end === at && !(at === 0 && held)) this.lossy = true
      length += source.copy(out, length, start, end)
      out[length++] = lf
      start = at + 1
    }
    length += source.copy(out, length, start)
    if (source.length > 0) {
      this.#heldCr = source.at(-1) === cr
      if (this.#heldCr) length--
    }
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
