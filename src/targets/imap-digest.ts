import { createHash } from 'node:crypto'
import type { Message } from '../ports/message.js'

/** What tells a message at a server: exactly, and up to what servers do to line ends. */
export interface Fingerprint {
  /** SHA-256 of all octets. */
  readonly sha256: string
  readonly size: number
  /**
   * SHA-256 of the message with LF for every line end (CRLF, CRCRLF, LF, CR), 0x80 for NUL (as Dovecot stores it) and without line ends at its
   * end: what servers that rewrite leave alone (QUIRKS APP-10, APP-11).
   */
  readonly loose: string
}

/** Takes a message's bytes in pieces. */
export class FingerprintMaker {
  readonly #exact = createHash('sha256')
  readonly #loose = createHash('sha256')
  #size = 0
  /** CRs that may belong to a line end. */
  #crs = 0
  /** Line ends that count only if something follows. */
  #newlines = 0

  write(bytes: Uint8Array): undefined {
    this.#exact.update(bytes)
    this.#size += bytes.length
    const out = Buffer.allocUnsafe(bytes.length + this.#newlines + 1)
    let length = 0
    const put = (byte: number): void => {
      if (byte === lf) {
        this.#newlines++
        return
      }
      if (this.#newlines > 0) {
        length = flush(this.#loose, out, length)
        this.#loose.update('\n'.repeat(this.#newlines))
        this.#newlines = 0
      }
      out[length++] = byte === 0 ? nul : byte
    }
    for (const byte of bytes) {
      if (byte === cr) {
        this.#crs++
        continue
      }
      // Any CRs in front of a LF belong to it, others are line ends themselves.
      if (byte !== lf) for (; this.#crs > 0; this.#crs--) put(lf)
      this.#crs = 0
      put(byte)
    }
    flush(this.#loose, out, length)
    return undefined
  }

  finish(): Fingerprint {
    return { sha256: this.#exact.digest('hex'), size: this.#size, loose: this.#loose.digest('hex') }
  }
}

function flush(hash: { update(bytes: Uint8Array): unknown }, out: Buffer, length: number): 0 {
  if (length > 0) hash.update(out.subarray(0, length))
  return 0
}

export async function fingerprint(message: Pick<Message, 'bytes' | 'open'>): Promise<Fingerprint> {
  const maker = new FingerprintMaker()
  if (message.bytes) maker.write(message.bytes)
  else for await (const chunk of message.open()) maker.write(chunk)
  return maker.finish()
}

const cr = 0x0d
const lf = 0x0a
const nul = 0x80
