import { Fault } from '../ports/fault.js'
import type { Entry } from '../ports/message.js'
import type { Identity } from './identity.js'
import type { LaneBook } from './lane-book.js'
import { mergeOrders } from './merge-orders.js'
import type { Roster } from './roster.js'

/** What is left to fetch in this run, in which order, and what earlier sessions of the run taught about it. */
export class Agenda {
  readonly #roster: Roster
  readonly #books: readonly LaneBook[]
  readonly #identity: Identity
  readonly #limit: number | undefined
  /** The latest listing, in its order. */
  #listed: readonly number[] = []
  /** The messages that `--limit` lets through; chosen once. */
  #admitted: ReadonlySet<number> | undefined
  readonly #tries = new Map<number, number>()
  readonly #refused = new Set<number>()

  constructor({ roster, books, identity, limit }: AgendaContext) {
    this.#roster = roster
    this.#books = books
    this.#identity = identity
    this.#limit = limit
  }

  /** Takes in a complete listing, and pairs it with the ledger where it shows messages for the first time in this run. */
  async list(entries: readonly Entry[]): Promise<void> {
    const { numbers, grown } = this.#roster.merge(entries)
    this.#listed = numbers
    if (grown) await this.#identity.takeStock(numbers)
  }

  /** After pairing: settles what needs no RETR, and closes the books on messages that cannot be had any more. */
  settle(): void {
    for (const number of this.#listed) {
      if (this.#books.every((book) => book.has(number))) this.#roster.setPresent(number)
    }
    if (this.#limit !== undefined) this.#admitted ??= new Set(this.wanted().slice(0, this.#limit))
    // What only `--limit` holds back is still waited for, by the next run.
    const available = new Set(this.#available())
    for (const { run } of this.#books) {
      run?.postpone((key) => {
        const number = this.#roster.numberOf(key)
        return number === undefined ? !this.#identity.mayTurnUp(key) : !available.has(number)
      })
    }
  }

  /** The numbers of the messages to fetch: first what dead runs announced, in their order, then as listed. */
  wanted(): readonly number[] {
    const listed = new Set(this.#available())
    const owed = this.#books.map(({ run }) => (run?.owed ?? []).map((key) => this.#roster.numberOf(key) ?? -1))
    const first = mergeOrders(owed).filter((number) => listed.has(number))
    const order = [...new Set([...first, ...listed])].filter((number) => this.#admitted?.has(number) !== false)
    // A row of refused messages must not keep the others out in every session.
    const refused = (number: number): boolean => this.#refused.has(number)
    return [...order.filter((number) => !refused(number)), ...order.filter(refused)]
  }

  /** The server answered -ERR to its RETR: asked once more, in another session (QUIRKS RET-15). */
  refused(number: number, fault: Fault): void {
    this.#tries.set(number, (this.#tries.get(number) ?? 0) + 1)
    this.#refused.add(number)
    this.#roster.setFailed(number, fault)
    this.postpone(number)
  }

  /** A session died while this message was in progress; the second time it is left out (QUIRKS SES-05). */
  brokeSession(number: number, fault: Fault): void {
    const tries = (this.#tries.get(number) ?? 0) + 1
    this.#tries.set(number, tries)
    if (tries < maxTries) return
    this.#roster.setFailed(
      number,
      new Fault('breaks-session', `two sessions ended on it: ${fault.message}`, fault.facts),
    )
    this.postpone(number)
  }

  /** Nobody waits for this message in this session. */
  postpone(number: number): void {
    const key = this.#roster.keyOf(number)
    for (const { run } of this.#books) run?.postpone((owed) => owed === key)
  }

  /** Listed, lacked by somebody, and not given up. */
  *#available(): Iterable<number> {
    for (const number of this.#listed) {
      if ((this.#tries.get(number) ?? 0) >= maxTries) continue
      if (this.#books.some((book) => book.alive && book.lacks(number))) yield number
    }
  }
}

export interface AgendaContext {
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly identity: Identity
  readonly limit: number | undefined
}

const maxTries = 2
