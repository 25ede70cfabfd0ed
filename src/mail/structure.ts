/**
 * What of a message says which parts it has: the fields Content-Type, -Disposition and -ID of each part, and the lines
 * that may be boundaries, without any content. So a MIME parser can be asked about a message of any size, and a hostile
 * one costs no more than a plain one: at most 256 KiB are kept (QUIRKS MSG-05, MSG-10).
 */
export class MimeStructure {
  /** False where something was left out because the message has too much of it. */
  complete = true
  readonly #kept: Buffer[] = []
  #size = 0
  /** What is not looked at yet: a line without its end, or the octets in which a boundary may begin. */
  #rest: Buffer = Buffer.alloc(0)
  #inHeader = true
  /** The part is a message: behind its header stands another one. */
  #embedded = false
  /** The field on the line before is kept, and so are its continuations. */
  #keeping = false
  /** The line goes on, and nobody wants the rest of it. */
  #skipping = false

  /** Takes the next octets of the message. */
  write(chunk: Uint8Array): void {
    if (this.#size > most) return
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : bufferOf(chunk)
    let at = 0
    for (let next: number | undefined = 0; next !== undefined && this.#size <= most;) {
      at = next
      next = this.#inHeader ? this.#headerLine(bytes, at) : this.#boundary(bytes, at)
    }
    // A copy, for the chunk is somebody else's.
    this.#rest = Buffer.from(bytes.subarray(at))
  }

  /** All that was kept, for a parser. */
  end(): Buffer {
    if (this.#inHeader && !this.#skipping) this.#headerField(this.#rest)
    else if (this.#rest.includes('\n--')) this.#keep(this.#rest)
    this.#rest = Buffer.alloc(0)
    return Buffer.concat(this.#kept)
  }

  /** The line at this offset; where the next one starts, undefined where its end is not known yet. */
  #headerLine(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(lf, at)
    if (end < 0) {
      if (bytes.length - at <= longestLine) return undefined
      if (!this.#skipping) this.#headerField(bytes.subarray(at))
      this.#skipping = true
      return bytes.length
    }
    const line = bytes.subarray(at, end > at && bytes[end - 1] === cr ? end - 1 : end)
    if (!this.#skipping && line.length === 0) return this.#headerEnd(end)
    if (!this.#skipping) this.#headerField(line)
    this.#skipping = false
    return end + 1
  }

  #headerField(line: Buffer): void {
    const [first] = line
    const boundary = first === dash && line[1] === dash
    if (boundary) this.#embedded = false
    else if (first !== blank && first !== tab) this.#keeping = fields.test(line.toString('latin1', 0, 40))
    else if (!this.#keeping) return
    if (boundary || this.#keeping) {
      this.#embedded ||= !boundary && line.toString('latin1').toLowerCase().includes('message/rfc822')
      this.#keep(line.subarray(0, longestLine), lineEnd)
    }
    if (boundary) this.#keeping = false
  }

  #headerEnd(end: number): number {
    this.#keep(lineEnd)
    this.#keeping = false
    this.#inHeader = this.#embedded
    this.#embedded = false
    // The line feed may be the one before a boundary.
    return this.#inHeader ? end + 1 : end
  }

  /** Looks for the next line that may be a boundary, from an offset within the content. */
  #boundary(bytes: Buffer, at: number): number | undefined {
    const start = bytes.indexOf('\n--', at)
    if (start < 0) {
      const tail = Math.max(at, bytes.length - 2)
      return tail > at ? tail : undefined
    }
    const end = bytes.indexOf(lf, start + 1)
    if (end < 0) return bytes.length - start > longestBoundary ? start + 3 : start > at ? start : undefined
    if (end - start > longestBoundary) return start + 3
    this.#keep(bytes.subarray(start + 1, end + 1))
    this.#inHeader = true
    this.#embedded = false
    return end + 1
  }

  #keep(...pieces: readonly Buffer[]): void {
    const bytes = Buffer.concat(pieces)
    this.#size += bytes.length
    if (this.#size > most) this.complete = false
    else this.#kept.push(bytes)
  }
}

const most = 256 * 1024
const longestLine = 16 * 1024
/** RFC 2046 §5.1.1 allows 70 characters and blanks behind them; parsers take as much as fits in a line. */
const longestBoundary = 1100
const fields = /^content-(?:type|disposition|id)[ \t]*:/i

const lf = 0x0a
const cr = 0x0d
const dash = 0x2d
const blank = 0x20
const tab = 0x09
const lineEnd = Buffer.from('\r\n')

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
