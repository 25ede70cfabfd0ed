import { decodeText, maxText } from '../net/server-text.js'

/** `ok` and `error` are RFC 1939 §3, `continue` RFC 5034 §4; anything else means that the dialogue is out of step. */
export type Status = 'ok' | 'error' | 'continue' | 'other'

/** One status line, without its line end. Its text is decoded only when somebody asks. */
export class Reply {
  readonly line: Uint8Array
  /** The line ended in LF alone (QUIRKS RET-05). */
  readonly bareLf: boolean
  readonly status: Status
  readonly #scrub: (text: string) => string

  constructor(line: Uint8Array, bareLf: boolean, scrub: (text: string) => string) {
    this.line = line
    this.bareLf = bareLf
    this.status = statusOf(line)
    this.#scrub = scrub
  }

  get ok(): boolean {
    return this.status === 'ok'
  }

  /** The whole line for display: without secrets, at most 300 characters. */
  get text(): string {
    return decodeText(this.line, this.#scrub).trimEnd()
  }

  /** What the server says, in lower case, for judging it: never shown, as it may hold a secret. */
  get words(): string {
    return decodeText(this.line, (text) => text).toLowerCase()
  }

  /** The line's first bytes as Latin-1, for reading. */
  get raw(): string {
    return Buffer.from(this.line.subarray(0, maxText)).toString('latin1')
  }

  /** The response code (RFC 2449 §8) in upper case: `IN-USE`, `SYS/TEMP`. */
  get code(): string | undefined {
    return /^\S*[ \t]*\[([^\]]*)\]/.exec(this.raw)?.[1]?.toUpperCase()
  }
}

/** Any case, and text may be glued to the indicator (QUIRKS CON-07, AUT-06). */
function statusOf(line: Uint8Array): Status {
  if (line[0] === plus) return isLetter(line[1], 'O') && isLetter(line[2], 'K') ? 'ok' : 'continue'
  const refused = line[0] === minus && isLetter(line[1], 'E') && isLetter(line[2], 'R') && isLetter(line[3], 'R')
  return refused ? 'error' : 'other'
}

function isLetter(byte: number | undefined, letter: string): boolean {
  const code = letter.charCodeAt(0)
  return byte === code || byte === code + 0x20
}

const plus = 0x2b
const minus = 0x2d
