import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import { timeText } from './pace.js'

/** Attempts without progress in between, and the pauses around them; times in ms. */
export interface RetryPolicy {
  readonly attempts: number
  readonly minDelay: number
  readonly maxDelay: number
  /** A longer pause demanded by a server ends the account instead. */
  readonly maxWait: number
}

/** Counts attempts that brought nothing; says how long to pause before the next, or undefined: give up. */
export class Backoff {
  readonly #policy: RetryPolicy
  readonly #clock: Clock
  #barren = 0

  constructor(policy: RetryPolicy, clock: Clock) {
    this.#policy = policy
    this.#clock = clock
  }

  /** The number of the attempt that comes next, counted from the last progress. */
  get attempt(): number {
    return this.#barren + 1
  }

  progress(): void {
    this.#barren = 0
  }

  /** The fault that ends the attempts: where the server demands a longer pause than the plan allows, with its end. */
  outlasting(fault: Fault): Fault {
    const { retryAfterMs = 0 } = fault.facts
    if (retryAfterMs <= this.#policy.maxWait) return fault
    const words = `${fault.message}; it can go on at ${timeText(this.#clock.now() + retryAfterMs)}`
    return new Fault(fault.code, words, fault.facts)
  }

  delayAfter(fault: Fault): number | undefined {
    this.#barren++
    if (this.#barren >= this.#policy.attempts) return undefined
    const demanded = fault.facts.retryAfterMs ?? 0
    if (demanded > this.#policy.maxWait) return undefined
    const { minDelay, maxDelay } = this.#policy
    const exponential = Math.min(maxDelay, minDelay * 2 ** (this.#barren - 1))
    // Half of the pause is left to chance, so that many accounts do not come back at the same instant.
    return Math.max(demanded, exponential * (0.5 + this.#clock.random() / 2))
  }
}
