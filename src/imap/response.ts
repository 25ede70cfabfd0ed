import { decodeText } from '../net/server-text.js'
import { type Pieces, type Value, ValueReader } from './value.js'

/** `OK`, `NO`, `BAD`: RFC 3501 §7.1. */
export type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'

/** A response code in square brackets: `[APPENDUID 38505 3955]`. */
export interface ResponseCode {
  /** In upper case. */
  readonly name: string
  readonly values: readonly Value[]
}

/** One response of the server (RFC 3501 §2.2.2). Its data is read only when somebody asks. */
export class Response {
  /** `*`, `+`, or the command's tag. */
  readonly tag: string
  /** In upper case: `FETCH`, `CAPABILITY`, `OK`; empty for a continuation. */
  readonly name: string
  /** The number in front of the name: `* 23 EXISTS`. */
  readonly number: number | undefined
  readonly code: ResponseCode | undefined
  readonly #pieces: Pieces
  readonly #scrub: (text: string) => string
  /** Where the data begins in the first line. */
  readonly #from: number

  constructor(pieces: Pieces, scrub: (text: string) => string) {
    this.#pieces = pieces
    this.#scrub = scrub
    const line = headOf(pieces[0] ?? nothing)
    const [, tag = '', number, name = ''] = grammar.exec(line) ?? []
    this.tag = tag
    this.name = tag === '+' ? '' : name.toUpperCase()
    this.number = number === undefined ? undefined : Number(number)
    const start = tag === '+' ? 1 : (grammar.exec(line)?.[0].length ?? line.length)
    const { code, from } = this.status ? readCode(pieces, line, start) : { code: undefined, from: start }
    this.code = code
    this.#from = from
  }

  get status(): Status | undefined {
    return isStatus(this.name) ? this.name : undefined
  }

  get ok(): boolean {
    return this.name === 'OK'
  }

  /** What follows the name. Throws SyntaxError where it cannot be read. */
  get values(): readonly Value[] {
    return new ValueReader(this.#pieces, this.#from).all()
  }

  /** The same, undefined where it cannot be read: for what is ignored then. */
  get data(): readonly Value[] | undefined {
    try {
      return this.values
    } catch {
      return undefined
    }
  }

  /** What follows a status or `+`, as it came. */
  get rest(): string {
    return Buffer.from((this.#pieces[0] ?? nothing).subarray(this.#from))
      .toString('latin1')
      .trim()
  }

  /** The line for display: without the command's tag and without secrets, at most 300 characters. */
  get text(): string {
    const line = this.#pieces[0] ?? nothing
    const shown = /^A\d+$/.test(this.tag) ? line.subarray(this.tag.length + 1) : line
    return decodeText(shown, this.#scrub).trimEnd()
  }

  /** What the server says, in lower case, for judging it: never shown, as it may hold a secret. */
  get words(): string {
    return decodeText(this.#pieces[0] ?? nothing, (text) => text).toLowerCase()
  }
}

/** Whether a line may end in the announcement of a literal: the words of a status may only look like one. */
export function mayHoldLiteral(line: Uint8Array): boolean {
  const [, tag, , name = ''] = grammar.exec(headOf(line)) ?? []
  return tag !== '+' && !isStatus(name.toUpperCase())
}

function readCode(pieces: Pieces, line: string, start: number): { code: ResponseCode | undefined; from: number } {
  const open = /^ *\[/.exec(line.slice(start))
  if (!open) return { code: undefined, from: start }
  try {
    const reader = new ValueReader(pieces, start + open[0].length)
    const [name, ...values] = reader.code()
    const from = (pieces[0]?.length ?? 0) - reader.rest().length
    return { code: typeof name === 'string' ? { name: name.toUpperCase(), values } : undefined, from }
  } catch {
    // Free text that only looks like a code.
    return { code: undefined, from: start }
  }
}

function isStatus(name: string): name is Status {
  return name === 'OK' || name === 'NO' || name === 'BAD' || name === 'BYE' || name === 'PREAUTH'
}

/** Enough for tag, number, name and a response code. */
function headOf(line: Uint8Array): string {
  return Buffer.from(line.subarray(0, 1024)).toString('latin1')
}

const grammar = /^(\S+)(?: (\d{1,10})(?= [A-Za-z]))?(?: ([A-Za-z][A-Za-z0-9.-]*))?/
const nothing = new Uint8Array()
