/**
 * What IMAP data is made of (RFC 3501 §4): atoms, numbers and quoted strings as text (bytes as Latin-1), literals as
 * bytes, NIL as null, lists as arrays.
 */
export type Value = string | Uint8Array | null | readonly Value[]

/** A response as it came: lines without their line ends, a literal between each two of them. */
export type Pieces = readonly Uint8Array[]

/** Reads values out of a response. Throws SyntaxError where the server's grammar cannot be read. */
export class ValueReader {
  readonly #pieces: Pieces
  #piece = 0
  #at: number

  constructor(pieces: Pieces, at: number) {
    this.#pieces = pieces
    this.#at = at
  }

  /** Everything up to the end, values apart by blanks. */
  all(): readonly Value[] {
    const values: Value[] = []
    while (!this.#done()) values.push(this.#value(0))
    return values
  }

  /** The values in front of `]`, in a response code; the reader then stands behind it. */
  code(): readonly Value[] {
    const values: Value[] = []
    while (this.#next() !== closeBracket) {
      if (this.#done()) throw new SyntaxError('a response code without an end')
      values.push(this.#value(0))
    }
    this.#at++
    return values
  }

  /** What is left of the line. */
  rest(): Uint8Array {
    return this.#line().subarray(this.#at)
  }

  #value(depth: number): Value {
    if (depth > maxDepth) throw new SyntaxError('lists too deep')
    const byte = this.#peek()
    if (byte === undefined) return this.#literal()
    if (byte === open) return this.#list(depth)
    return byte === quote ? this.#quoted() : this.#atom()
  }

  #list(depth: number): readonly Value[] {
    this.#at++
    const values: Value[] = []
    while (this.#next() !== close) {
      if (this.#done()) throw new SyntaxError('a list without an end')
      if (values.length === maxValues) throw new SyntaxError('a list too long')
      values.push(this.#value(depth + 1))
    }
    this.#at++
    return values
  }

  #quoted(): string {
    const line = this.#line()
    let text = ''
    for (let at = this.#at + 1; at < line.length; at++) {
      const byte = line[at] ?? 0
      if (byte === quote) {
        this.#at = at + 1
        return text
      }
      if (byte === backslash) at++
      text += String.fromCharCode(line[at] ?? 0)
    }
    throw new SyntaxError('a quoted string without an end')
  }

  /** Square brackets may hold blanks and lists: `BODY[HEADER.FIELDS (DATE)]`. */
  #atom(): string | null {
    const line = this.#line()
    const start = this.#at
    let brackets = 0
    for (; this.#at < line.length; this.#at++) {
      const byte = line[this.#at] ?? 0
      if (byte === openBracket) brackets++
      else if (byte === closeBracket && brackets-- === 0) break
      else if (brackets === 0 && (byte === blank || byte === open || byte === close || byte === quote)) break
    }
    if (this.#at === start) throw new SyntaxError('a value is missing')
    const text = Buffer.from(line.subarray(start, this.#at)).toString('latin1')
    return text.toUpperCase() === 'NIL' ? null : text
  }

  #literal(): Uint8Array {
    const bytes = this.#pieces[this.#piece + 1]
    if (!bytes) throw new SyntaxError('a value is missing')
    this.#piece += 2
    this.#at = 0
    return bytes
  }

  /** The next byte that is not a blank. */
  #next(): number | undefined {
    while (this.#peek() === blank) this.#at++
    return this.#peek()
  }

  #line(): Uint8Array {
    return this.#pieces[this.#piece] ?? nothing
  }

  #peek(): number | undefined {
    return this.#line()[this.#at]
  }

  #done(): boolean {
    return this.#next() === undefined && this.#piece + 1 >= this.#pieces.length
  }
}

/** The text of an atom, a string or a literal. */
export function textOf(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

/** An unsigned number of at most 63 bits, as far as JavaScript counts exactly. */
export function numberOf(value: Value | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

export function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : []
}

const nothing = new Uint8Array()
const maxDepth = 16
const maxValues = 10_000
const open = 0x28
const close = 0x29
const openBracket = 0x5b
const closeBracket = 0x5d
const quote = 0x22
const backslash = 0x5c
const blank = 0x20
