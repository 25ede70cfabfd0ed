import type { Entry } from '../ports/message.js'
import type { Wanted } from '../ports/source.js'
import type { Budget } from './budget.js'

export interface FeedOptions {
  /** The messages to fetch, in order, by their number in the roster. */
  readonly numbers: readonly number[]
  readonly budget: Budget
  entry(number: number): Entry
  /** False where no lane needs the message any longer. */
  needed(number: number): boolean
  /** Memory is short: whoever holds messages should finish with them. */
  hurry(): void
  /** Waits for that. */
  wait(until: Promise<void>): Promise<void>
}

/** Hands a session its work, one entry at a time, as long as memory has been reserved for what comes back. */
export class Feed implements Wanted {
  readonly #options: FeedOptions
  readonly #taken: { readonly number: number; readonly charged: number }[] = []
  #next = 0
  #stopped = false
  #stop: (() => void) | undefined

  constructor(options: FeedOptions) {
    this.#options = options
  }

  take(): Entry | undefined {
    const number = this.#peek()
    if (number === undefined) return undefined
    const charged = this.#charge(number)
    if (!this.#options.budget.tryReserve(charged)) return undefined
    this.#next++
    this.#taken.push({ number, charged })
    return this.#options.entry(number)
  }

  async more(): Promise<boolean> {
    const number = this.#peek()
    if (number === undefined) return false
    if (this.#options.budget.fits(this.#charge(number))) return true
    const stopped = new Promise<void>((resolve) => {
      this.#stop = resolve
    })
    const released = this.#options.budget.released()
    this.#options.hurry()
    await this.#options.wait(Promise.race([released, stopped]))
    return this.#peek() !== undefined
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#stopped = true
    this.#stop?.()
  }

  /** The result for the first entry without one has come: its number and what was reserved for it. */
  result(): { readonly number: number; readonly charged: number } {
    const first = this.#taken.shift()
    if (!first) throw new Error('a result for an entry that was never taken')
    return first
  }

  /** The session is over: returns what was reserved in vain, and tells which message was in progress. */
  finish(): number | undefined {
    this.stop()
    const inProgress = this.#taken[0]?.number
    for (const { charged } of this.#taken.splice(0)) this.#options.budget.release(charged)
    return inProgress
  }

  #charge(number: number): number {
    return this.#options.budget.charge(this.#options.entry(number).size)
  }

  #peek(): number | undefined {
    if (this.#stopped) return undefined
    for (; this.#next < this.#options.numbers.length; this.#next++) {
      const number = this.#options.numbers[this.#next]
      if (number !== undefined && this.#options.needed(number)) return number
    }
    return undefined
  }
}
