import type { Emit } from '../ports/event.js'
import type { Ledger } from '../ports/ledger.js'
import type { Flag } from '../ports/message.js'
import type { FetchedMessage, MessageIntake } from './intake.js'

/** A message as one fetch brought it. */
export interface Arrival {
  /** The message's number in the roster. */
  readonly number: number
  readonly message: FetchedMessage
  readonly flags: readonly Flag[]
}

export interface SecondFetchContext {
  readonly account: string
  readonly emit: Emit
  readonly intake: MessageIntake
  readonly ledger: Ledger
}

/**
 * What becomes of messages that arrive shorter than listed (CONTRACT, guarantee 1, *size-mismatch*). The first copy waits
 * in the spool until another session has fetched the message once more; then the longer one is stored. While a copy
 * waits, its message is not safe, so its session cannot end with QUIT. Nothing of this is durable: after a kill, the next
 * run fetches both again. A server most of whose sizes are wrong is not asked twice.
 */
export class SecondFetch {
  readonly #context: SecondFetchContext
  /** First copies, by number. */
  readonly #kept = new Map<number, Arrival>()
  /** Octets of the copies that are settled or could not be kept, by number: the next one as long as that is stored. */
  readonly #seen = new Map<number, number>()
  /** Messages for which a session has begun that could fetch them once more. */
  readonly #due = new Set<number>()
  /** The first messages of this run, and how many of them were short. */
  readonly #first = new Set<number>()
  #remembered = false
  #short = 0
  #shortKept = 0

  constructor(context: SecondFetchContext) {
    this.#context = context
  }

  /** The listed sizes mean nothing. */
  get futile(): boolean {
    return this.#short >= mostShort
  }

  /** First copies that were kept so far. */
  get progress(): number {
    return this.#shortKept
  }

  /** No further copy should be kept before those that wait are settled. */
  get full(): boolean {
    if (this.#kept.size >= mostKept) return true
    let octets = 0
    for (const { message } of this.#kept.values()) octets += message.size
    return octets >= mostKeptOctets
  }

  /**
   * Takes in what was fetched; returns what is to be stored now: nothing, where the message must be fetched once more.
   * `decided`: a run that died had begun to store this very copy.
   */
  async judge(arrival: Arrival, decided: boolean): Promise<readonly Arrival[]> {
    const { number, message, flags } = arrival
    const short = flags.includes(flag)
    this.#count(number, short)
    if (this.futile) {
      await this.#remember()
      await this.#forget(number)
      return [...this.rest(), unflagged(arrival)]
    }
    if (!short) {
      await this.#forget(number)
      return [arrival]
    }
    const kept = this.#take(number)
    if (kept) {
      const [longer, other] = message.size < kept.message.size ? [kept, arrival] : [arrival, kept]
      await other.message.remove()
      return [longer]
    }
    if (decided || message.size >= (this.#seen.get(number) ?? Infinity)) return [arrival]
    this.#kept.set(number, { ...arrival, message: await this.#context.intake.park(message) })
    this.#shortKept++
    return []
  }

  /** A fetch brought so many octets, less than listed, and could not keep them. */
  sawShort(number: number, octets: number): void {
    this.#count(number, true)
    this.#seen.set(number, octets)
  }

  /** The message cannot be fetched once more: its first copy, if there is one. */
  settle(number: number): readonly Arrival[] {
    const kept = this.#take(number)
    return kept ? [this.futile ? unflagged(kept) : kept] : []
  }

  /** All copies that wait. */
  rest(): readonly Arrival[] {
    return [...this.#kept.keys()].flatMap((number) => this.settle(number))
  }

  /** The same numbers, those of messages with a copy that waits first. */
  first(wanted: readonly number[]): readonly number[] {
    if (this.#kept.size === 0) return wanted
    const waits = (number: number): boolean => this.#kept.has(number)
    return [...wanted.filter(waits), ...wanted.filter((number) => !waits(number))]
  }

  /** Those that wait for a message that is not wanted: nothing will be compared with them. */
  unwanted(wanted: readonly number[]): readonly Arrival[] {
    if (this.#kept.size === 0) return []
    const fetched = new Set(wanted)
    return [...this.#kept.keys()].filter((number) => !fetched.has(number)).flatMap((number) => this.settle(number))
  }

  /** Another session is needed for some that wait; said once for each of them. */
  isDue(wanted: () => readonly number[]): boolean {
    if (this.#kept.size === 0) return false
    const news = wanted().filter((number) => this.#kept.has(number) && !this.#due.has(number))
    for (const number of news) this.#due.add(number)
    return news.length > 0
  }

  async discard(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map(async (number) => this.#forget(number)))
  }

  #take(number: number): Arrival | undefined {
    const kept = this.#kept.get(number)
    if (!kept) return undefined
    this.#kept.delete(number)
    // If no lane takes it now, the next fetch of it is not its first.
    this.#seen.set(number, kept.message.size)
    return kept
  }

  async #forget(number: number): Promise<void> {
    await this.#take(number)?.message.remove()
  }

  /** Before anything is stored of which nobody can say whether it is whole: `afterCopy` must know. */
  async #remember(): Promise<void> {
    if (this.#remembered) return
    await this.#context.ledger.remember(this.#context.account, { sizesWrong: true })
    this.#remembered = true
  }

  #count(number: number, short: boolean): void {
    if (this.futile || this.#first.size >= manyMessages || this.#first.has(number)) return
    this.#first.add(number)
    if (short && ++this.#short === mostShort) this.#tellFutile()
  }

  #tellFutile(): void {
    const { emit, account } = this.#context
    emit({ type: 'warning', account, code: 'sizes-wrong', message: wrongSizes })
  }
}

function unflagged(arrival: Arrival): Arrival {
  return { ...arrival, flags: arrival.flags.filter((other) => other !== flag) }
}

const flag: Flag = 'size-mismatch'
const manyMessages = 20
const mostShort = 16
/** Each is an open file. */
const mostKept = 128
const mostKeptOctets = 1024 ** 3
const wrongSizes =
  'almost every message is shorter than the server lists it, so the listed sizes mean nothing and a message that is ' +
  'cut short cannot be told from a whole one; if you know this server, set `sizes: ignore`'
