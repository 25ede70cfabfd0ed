import type { Clock } from '../ports/clock.js'

/** A cap on bytes a second over the whole run: a token bucket that holds at most a quarter of a second's worth. */
export class Bandwidth {
  readonly #bytesPerMs: number
  readonly #clock: Clock
  readonly #signal: AbortSignal
  /** When the bytes taken so far will have been paid for. */
  #paidUntil = 0

  constructor(bytesPerSecond: number, clock: Clock, signal: AbortSignal) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#clock = clock
    this.#signal = signal
  }

  /** A promise where the caller must wait before taking more. */
  take(bytes: number): Promise<void> | undefined {
    const now = this.#clock.monotonic()
    this.#paidUntil = Math.max(this.#paidUntil, now - burstMs) + bytes / this.#bytesPerMs
    const waitMs = this.#paidUntil - now
    return waitMs > 0 ? this.#clock.sleep(waitMs, this.#signal) : undefined
  }
}

const burstMs = 250
