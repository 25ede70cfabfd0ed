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
  /** The messages that `--limit` lets through. */
  readonly #admitted = new Set<number>()
  readonly #tries = new Map<number, number>()
  readonly #refused = new Set<number>()

  constructor({ roster, books, identity, limit }: AgendaContext) {
    this.#roster = roster
    this.#books = books
    this.#identity = identity
    this.#limit = limit
  }

  /** Takes in a complete listing; `grown`: it shows messages that were not listed before in this run. */
  list(entries: readonly Entry[]): { readonly numbers: readonly number[]; readonly grown: boolean } {
    const merged = this.#roster.merge(entries)
    this.#listed = merged.numbers
    return merged
  }

  /** After pairing: settles what needs no RETR, and closes the books on messages that cannot be had any more. */
  settle(): void {
    for (const number of this.#listed) {
      if (this.#books.every((book) => book.has(number))) this.#roster.setPresent(number)
    }
    this.#admit()
    const owing = this.#books.filter(({ run }) => run && run.owed.length > 0)
    if (owing.length === 0) return
    // What only `--limit` holds back is still waited for, by the next run.
    const available = new Set(this.#available())
    for (const { run } of owing) {
      run?.postpone((key) => {
        const number = this.#roster.numberOf(key)
        return number === undefined ? !this.#identity.mayTurnUp(key) : !available.has(number)
      })
    }
  }

  /** The numbers of the messages to fetch: first what dead runs announced, in their order, then as listed. */
  wanted(): readonly number[] {
    const order = this.#order()
    // Until then everything that is wanted will be let through, or is about to be left out by `select`.
    return this.exhausted ? order.filter((number) => this.#admitted.has(number)) : order
  }

  /** `--limit` lets no more messages through than it has. */
  get exhausted(): boolean {
    return this.#limit !== undefined && this.#admitted.size >= this.#limit
  }

  /** What the latest listing shows and nobody lacks; `filtered`: nor does anybody want it. */
  settled(filtered: boolean): readonly { readonly number: number; readonly size: number }[] {
    const safe = (number: number): boolean => this.#books.every((book) => book.safe(number))
    const settled = this.#listed.filter((number) => {
      if (this.#roster.isFiltered(number)) return filtered
      return !open.has(this.#roster.state(number)) || safe(number)
    })
    return settled.map((number) => ({ number, size: this.#roster.entry(number).size }))
  }

  #admit(): void {
    if (this.#limit === undefined) return
    for (const number of this.#order()) if (this.#admitted.size < this.#limit) this.#admitted.add(number)
  }

  #order(): readonly number[] {
    const order = this.#owedFirst([...this.#available()])
    if (this.#refused.size === 0) return order
    // A row of refused messages must not keep the others out in every session.
    const refused = (number: number): boolean => this.#refused.has(number)
    return [...order.filter((number) => !refused(number)), ...order.filter(refused)]
  }

  /** A listing may have hundreds of thousands, and mostly nobody owes anything. */
  #owedFirst(listed: readonly number[]): readonly number[] {
    const owed = this.#books.map(({ run }) => (run?.owed ?? []).map((key) => this.#roster.numberOf(key) ?? -1))
    if (owed.every((numbers) => numbers.length === 0)) return listed
    const available = new Set(listed)
    const first = mergeOrders(owed).filter((number) => available.has(number))
    return [...new Set([...first, ...listed])]
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
      if ((this.#tries.get(number) ?? 0) >= maxTries || this.#roster.isFiltered(number)) continue
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

const open: ReadonlySet<string> = new Set(['failed', 'pending'])
const maxTries = 2
