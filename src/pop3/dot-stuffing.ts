/**
 * Decodes the body of a multi-line reply (RFC 1939 §3), byte for byte and without copying: `push` takes what came from
 * the network, `next` hands out the message's bytes as views into it until it needs more or is `done`.
 *
 * Only CRLF "." CRLF ends a body and only a dot after CRLF can be stuffing, unless `bareLf`: then LF alone ends lines
 * too (QUIRKS RET-05). The CRLF before the terminator belongs to the message.
 */
export class DotStuffing {
  /** A line began with a single dot, so this server does not stuff; the dot is kept (QUIRKS RET-03). */
  unstuffedDot = false
  readonly #bareLf: boolean
  #chunk: Buffer = nothing
  #at = 0
  #state: State = 'line'
  /** Nothing but a withheld dot has been seen: some servers do not stuff the very first byte (QUIRKS RET-03). */
  #first = true

  constructor(bareLf: boolean) {
    this.#bareLf = bareLf
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  /** Where the terminator ended in the chunk that was pushed last. */
  get position(): number {
    return this.#at
  }

  /** Only when `next` has returned undefined. */
  push(chunk: Buffer, position: number): void {
    this.#chunk = chunk
    this.#at = position
  }

  /** More bytes of the message, or undefined: push another chunk, or stop when `done`. */
  next(): Buffer | undefined {
    while (this.#at < this.#chunk.length) {
      switch (this.#state) {
        case 'text':
        case 'cr':
          return this.#text()
        case 'line':
          this.#lineStart()
          break
        case 'dot':
        case 'dot-cr': {
          const kept = this.#afterDot(this.#chunk[this.#at])
          if (kept) return kept
          break
        }
        case 'done':
          return undefined
      }
    }
    return undefined
  }

  /** Everything up to the next dot that begins a line, or to the end of the chunk. */
  #text(): Buffer {
    const start = this.#at
    for (let dot = start; (dot = this.#chunk.indexOf(lfDot, dot) + 1) > 0;) {
      if (!this.#endsLine(start, dot - 1)) continue
      this.#at = dot + 1
      this.#state = 'dot'
      return this.#chunk.subarray(start, dot)
    }
    const last = this.#chunk.length - 1
    const byte = this.#chunk[last]
    if (byte === lf) this.#state = this.#endsLine(start, last) ? 'line' : 'text'
    else this.#state = byte === cr ? 'cr' : 'text'
    this.#at = this.#chunk.length
    return start === 0 ? this.#chunk : this.#chunk.subarray(start)
  }

  #endsLine(start: number, lineFeed: number): boolean {
    if (this.#bareLf) return true
    return lineFeed > start ? this.#chunk[lineFeed - 1] === cr : this.#state === 'cr'
  }

  #lineStart(): void {
    if (this.#chunk[this.#at] === dotByte) {
      this.#at++
      this.#state = 'dot'
    } else {
      this.#first = false
      this.#state = 'text'
    }
  }

  /** What follows a withheld dot decides: a stuffed dot (dropped), the end, or a server that does not stuff (kept). */
  #afterDot(byte: number | undefined): Buffer | undefined {
    const withheld = this.#state === 'dot' ? dot : dotCr
    if (byte === lf && (withheld === dotCr || this.#bareLf)) {
      this.#at++
      this.#state = 'done'
      return undefined
    }
    if (byte === cr && withheld === dot) {
      this.#at++
      this.#state = 'dot-cr'
      return undefined
    }
    const stuffed = byte === dotByte && withheld === dot
    this.unstuffedDot ||= !stuffed && !this.#first
    this.#first = false
    this.#state = withheld === dotCr ? 'cr' : 'text'
    return stuffed ? undefined : withheld
  }
}

/** After which bytes the next one comes. */
type State = 'text' | 'cr' | 'line' | 'dot' | 'dot-cr' | 'done'

const lf = 0x0a
const cr = 0x0d
const dotByte = 0x2e
const lfDot = Buffer.from('\n.')
const dot = Buffer.from('.')
const dotCr = Buffer.from('.\r')
const nothing = Buffer.alloc(0)
