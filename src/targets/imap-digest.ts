import { createHash } from 'node:crypto'
import type { Message } from '../ports/message.js'

/** What tells a message at a server: exactly, up to what servers do to line ends, and up to header lines that they add. */
export interface Fingerprint {
  /** SHA-256 of all octets. */
  readonly sha256: string
  readonly size: number
  /**
   * SHA-256 of the message without CRs and LFs, and with 0x80 for NUL (as Dovecot stores it): what servers that rewrite
   * leave alone. Cyrus makes a line end of a lone CR, Courier drops it, both put one at the end (QUIRKS APP-10, APP-11).
   */
  readonly loose: string
  /** The body, with LF for every line end (CRLF, CRCRLF, LF, CR), 0x80 for NUL and no line ends at its end. */
  readonly body: string
  /** Its header lines in that form, Latin-1, at most 64 KiB of them. */
  readonly header: string
  /** CRLF everywhere, at the end as well, and no NUL: no server has a reason to change it. */
  readonly plain: boolean
}

/** Takes a message's bytes in pieces. */
export class FingerprintMaker {
  readonly #exact = createHash('sha256')
  readonly #loose = createHash('sha256')
  readonly #body = createHash('sha256')
  #size = 0
  /** CRs that may belong to a line end. */
  #crs = 0
  /** Line ends that count only if something follows. */
  #newlines = 0
  #header = ''
  #inHeader = true
  #plain = true
  #finished: Fingerprint | undefined

  write(bytes: Uint8Array): undefined {
    this.#exact.update(bytes)
    this.#size += bytes.length
    const out = Buffer.allocUnsafe(bytes.length)
    let length = 0
    const put = (byte: number): void => {
      if (byte === lf) {
        this.#newlines++
        return
      }
      if (this.#newlines > 0) {
        this.#take(out.subarray(0, length))
        length = 0
        this.#endLines()
      }
      out[length++] = byte === 0 ? nul : byte
    }
    for (const byte of bytes) {
      if (byte === cr) {
        this.#crs++
        continue
      }
      if (byte === lf ? this.#crs !== 1 : this.#crs > 0 || byte === 0) this.#plain = false
      // Any CRs in front of a LF belong to it, others are line ends themselves.
      if (byte !== lf) for (; this.#crs > 0; this.#crs--) put(lf)
      this.#crs = 0
      put(byte)
    }
    this.#take(out.subarray(0, length))
    return undefined
  }

  finish(): Fingerprint {
    this.#finished ??= {
      sha256: this.#exact.digest('hex'),
      size: this.#size,
      loose: this.#loose.digest('hex'),
      body: this.#body.digest('hex'),
      header: this.#header,
      plain: this.#plain && this.#newlines > 0 && this.#crs === 0,
    }
    return this.#finished
  }

  #take(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#loose.update(bytes)
    if (!this.#inHeader) this.#body.update(bytes)
    else if (this.#header.length < maxHeader) {
      this.#header += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    }
  }

  #endLines(): void {
    if (!this.#inHeader) this.#body.update('\n'.repeat(this.#newlines))
    else if (this.#newlines === 1) this.#header += '\n'
    else this.#inHeader = false
    this.#newlines = 0
  }
}

/**
 * Whether a copy may be the message with header lines that a server added: it has all of the message's own, in their order,
 * and the same body (QUIRKS APP-18).
 */
export function isContained(message: Fingerprint, copy: Fingerprint): boolean {
  if (message.body !== copy.body || message.header.length >= maxHeader || copy.header.length >= maxHeader) return false
  const lines = copy.header.split('\n')
  let at = 0
  return message.header.split('\n').every((line) => {
    at = lines.indexOf(line, at) + 1
    return at > 0
  })
}

/**
 * Tells a message where a server has added header lines to it: by the body, and by the lines of the header that no server is
 * known to add, change or drop, in their order. A plain message has a digest of its own. Undefined where the header is
 * longer than is looked at.
 */
export function kinOf({ header, body }: Fingerprint, plain: boolean): string | undefined {
  if (header.length >= maxHeader) return undefined
  const unfolded = header.replaceAll(/\n(?=[ \t])/g, '')
  const lines = unfolded.split('\n').filter((line) => lasting.test(line))
  return createHash('sha256')
    .update(`${plain} ${body}\n${lines.join('\n')}`, 'latin1')
    .digest('hex')
}

const lasting = /^(?:Received|From|To|Cc|Reply-To|Sender|Subject|Date|Message-ID|In-Reply-To|References)[ \t]*:/i

export async function fingerprint(message: Pick<Message, 'bytes' | 'open'>): Promise<Fingerprint> {
  const maker = new FingerprintMaker()
  if (message.bytes) maker.write(message.bytes)
  else for await (const chunk of message.open()) maker.write(chunk)
  return maker.finish()
}

const maxHeader = 64 * 1024
const cr = 0x0d
const lf = 0x0a
const nul = 0x80
