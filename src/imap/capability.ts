import type { Response } from './response.js'
import { type Value, textOf } from './value.js'

/** What CAPABILITY listed (RFC 3501 §7.2.1), in upper case. Hints only: a server may refuse what it lists. */
export class Capabilities {
  readonly #all: ReadonlySet<string>

  constructor(values: readonly Value[]) {
    this.#all = new Set(values.map((value) => textOf(value)?.toUpperCase() ?? ''))
  }

  has(name: string): boolean {
    return this.#all.has(name)
  }

  /** Whether a SASL mechanism is offered. */
  offers(mechanism: string): boolean {
    return this.#all.has(`AUTH=${mechanism}`)
  }

  /** The most octets that a non-synchronising literal may have (RFC 7888 §4, §5). */
  get freeLiteral(): number {
    if (this.has('LITERAL+')) return Infinity
    return this.has('LITERAL-') || this.has('IMAP4REV2') ? 4096 : 0
  }

  /**
   * The most octets of a literal. RFC 3501 §9 counts them in 32 bits: a server that cut the number to those would take the
   * rest of the message for commands (QUIRKS APP-24). RFC 9051 §9 has 63 bits.
   */
  get largestLiteral(): number {
    return this.has('IMAP4REV2') ? Infinity : 2 ** 32 - 1
  }

  /** The most octets of a message, the same for all mailboxes (RFC 7889 §3.1). */
  get appendLimit(): number | undefined {
    for (const name of this.#all) {
      const [, limit] = /^APPENDLIMIT=(\d{1,15})$/.exec(name) ?? []
      if (limit !== undefined) return Number(limit)
    }
    return undefined
  }

  get names(): readonly string[] {
    return [...this.#all]
  }
}

/**
 * The list that a response carries, as its data or as a code (RFC 3501 §7.1); undefined where it has none. Throws
 * SyntaxError where it cannot be read.
 */
export function capabilitiesIn(response: Response): Capabilities | undefined {
  const { tag, name, code } = response
  if (tag === '*' && name === 'CAPABILITY') return new Capabilities(response.values)
  return code?.name === 'CAPABILITY' ? new Capabilities(code.values) : undefined
}
