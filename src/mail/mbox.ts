import { headerField } from './header.js'
import { LfEncoder, lfToCrlf, type Newline } from './line-ends.js'

/** How lines that look like a From_ line are told from one: by reversible or irreversible quoting, or by a length. */
export type MboxVariant = 'mboxrd' | 'mboxo' | 'mboxcl2'

export interface MboxForm {
  readonly variant: MboxVariant
  readonly newline: Newline
}

/** `From <address> ` of a message's From_ line: its Return-Path if that is a plain address (RFC 4155; QUIRKS MBX-03). */
export function fromLineStart(header: Uint8Array): string {
  const address = headerField(header, 'return-path')?.replace(/^<(.*)>$/, '$1') ?? ''
  return `From ${/^[!-~]{1,200}$/.test(address) && /^[^<>()]+$/.test(address) ? address : 'MAILER-DAEMON'} `
}

/** asctime in UTC, the end of a From_ line (RFC 4155 §A). */
export function asctime(ms: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(ms).toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`
}

/**
 * Turns a message's bytes, part by part, into what stands in an mbox between the From_ line and the blank line: line
 * ends, quoting, and a final newline. The rule for `From ` holds for every line, the header's too (QUIRKS MBX-02).
 */
export class MboxEncoder {
  readonly #form: MboxForm
  readonly #lines = new LfEncoder()
  #held: Uint8Array = new Uint8Array()
  /** How many `>` the line so far consists of; undefined once it holds anything else. */
  #quotes: number | undefined = 0
  #last = 0
  #forged = false
  /** A final newline had to be added. */
  newlineAdded = false

  constructor(form: MboxForm) {
    this.#form = form
  }

  /** The stored form cannot be turned back into the message. */
  get lossy(): boolean {
    return this.#forged || (this.#form.newline === 'lf' && this.#lines.lossy)
  }

  push(bytes: Uint8Array): Uint8Array {
    return this.#quote(this.#form.newline === 'lf' ? this.#lines.push(bytes) : bytes, false)
  }

  end(): Uint8Array {
    const rest = this.#quote(this.#form.newline === 'lf' ? this.#lines.end() : new Uint8Array(), true)
    if (this.#last === lf) return rest
    this.newlineAdded = true
    return Buffer.concat([rest, newlineBytes(this.#form.newline)])
  }

  #quote(bytes: Uint8Array, final: boolean): Uint8Array {
    if (bytes.length > 0) this.#last = bytes[bytes.length - 1] ?? 0
    if (this.#form.variant === 'mboxcl2') return bytes
    const source = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : asBuffer(bytes)
    const end = final ? source.length : source.length - partialMatch(source, marker)
    // Copied: whoever reads a file in parts reads the next one into the same memory.
    this.#held = Uint8Array.from(source.subarray(end))
    const parts: Uint8Array[] = []
    let start = 0
    for (let at = source.indexOf(marker); at >= 0 && at < end; at = source.indexOf(marker, at + 1)) {
      const quotes = quotesBefore(source, at, this.#quotes)
      if (quotes === undefined) continue
      if (this.#form.variant === 'mboxo' && quotes > 0) {
        this.#forged = true
        continue
      }
      // One more `>` in front of the others and one behind them give the same line.
      parts.push(source.subarray(start, at), quote)
      start = at
    }
    const out = source.subarray(start, end)
    this.#quotes = quotesBefore(source, end, this.#quotes)
    return parts.length === 0 ? out : Buffer.concat([...parts, out])
  }
}

/** Turns the stored form back, part by part. Exact for forms that were not `lossy`. */
export class MboxDecoder {
  readonly #form: MboxForm
  readonly #newlineAdded: boolean
  #held: Uint8Array = new Uint8Array()
  #quotes: number | undefined = 0
  /** The final newline is held back until it is known whether it belongs to the message. */
  #tail: Uint8Array = new Uint8Array()

  constructor(form: MboxForm, newlineAdded: boolean) {
    this.#form = form
    this.#newlineAdded = newlineAdded
  }

  push(bytes: Uint8Array): Uint8Array {
    return this.#finish(this.#unquote(bytes, false))
  }

  end(): Uint8Array {
    const rest = this.#finish(this.#unquote(new Uint8Array(), true))
    return this.#newlineAdded ? rest : Buffer.concat([rest, this.#tail])
  }

  #unquote(bytes: Uint8Array, final: boolean): Uint8Array {
    if (this.#form.variant === 'mboxcl2') return bytes
    const source = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : asBuffer(bytes)
    const end = final ? source.length : source.length - partialMatch(source, quotedMarker)
    this.#held = Uint8Array.from(source.subarray(end))
    const parts: Uint8Array[] = []
    let start = 0
    for (let at = source.indexOf(quotedMarker); at >= 0 && at < end; at = source.indexOf(quotedMarker, at + 1)) {
      const quotes = quotesBefore(source, at, this.#quotes)
      if (quotes === undefined || (this.#form.variant === 'mboxo' && quotes > 0)) continue
      parts.push(source.subarray(start, at))
      start = at + 1
    }
    const out = source.subarray(start, end)
    this.#quotes = quotesBefore(source, end, this.#quotes)
    return parts.length === 0 ? out : Buffer.concat([...parts, out])
  }

  #finish(bytes: Uint8Array): Uint8Array {
    const whole = this.#form.newline === 'lf' ? lfToCrlf(bytes) : bytes
    const all = this.#tail.length > 0 ? Buffer.concat([this.#tail, whole]) : whole
    let end = all.length
    if (all[end - 1] === lf) end--
    if (all[end - 1] === cr) end--
    this.#tail = Uint8Array.from(all.subarray(end))
    return all.subarray(0, end)
  }
}

export function newlineBytes(newline: Newline): Uint8Array {
  return newline === 'lf' ? Uint8Array.of(lf) : Uint8Array.of(cr, lf)
}

const lf = 0x0a
const cr = 0x0d
const gt = 0x3e
const marker = Buffer.from('From ')
const quotedMarker = Buffer.from('>From ')
const quote = Uint8Array.of(gt)

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** How many bytes at the end could be the start of `pattern`. */
function partialMatch(source: Buffer, pattern: Buffer): number {
  for (let length = Math.min(pattern.length - 1, source.length); length > 0; length--) {
    if (source.subarray(source.length - length).equals(pattern.subarray(0, length))) return length
  }
  return 0
}

/** How many `>` the line consists of up to `at`, where `earlier` came in parts before; undefined if it holds more. */
function quotesBefore(source: Buffer, at: number, earlier: number | undefined): number | undefined {
  let first = at
  while (first > 0 && source[first - 1] === gt) first--
  if (first > 0) return source[first - 1] === lf ? at - first : undefined
  return earlier === undefined ? undefined : earlier + at
}
