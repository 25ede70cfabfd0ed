import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../src/ports/clock.js'

/** The machine's own time, and no chance: pauses are as long as they can be. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => sleep(ms, undefined, signal && { signal }),
  random: () => 1,
}

/** Time that passes only by sleeping: every pause is over at once and recorded. */
export class InstantClock implements Clock {
  readonly slept: number[] = []
  #ms = 0

  now(): number {
    return Date.UTC(2026, 0, 1) + this.#ms
  }

  monotonic(): number {
    return this.#ms
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(ms)
    this.#ms += ms
  }

  random(): number {
    return 1
  }
}
