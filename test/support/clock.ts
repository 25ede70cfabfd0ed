import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../src/ports/clock.js'

/** The machine's own time, and no chance: pauses are as long as they can be. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => sleep(ms, undefined, signal && { signal }),
  limit: async (ms, signal) => sleep(ms, undefined, { signal }),
  random: () => 1,
}

/** Time that passes only by sleeping: every pause is over at once and recorded. No limit is ever reached but by `pass`. */
export class InstantClock implements Clock {
  readonly slept: number[] = []
  readonly #limits = new Set<{ readonly at: number; reach(): void }>()
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

  async limit(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (ms <= 0) return
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#limits.delete(one)
        reject(new Error('aborted'))
      }
      const reach = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const one = { at: this.#ms + ms, reach }
      this.#limits.add(one)
      signal.addEventListener('abort', abort)
    })
  }

  /** How many limits somebody watches. */
  get limits(): number {
    return this.#limits.size
  }

  /** Lets so much time pass, and the limits strike that end in it. */
  pass(ms: number): void {
    this.#ms += ms
    for (const one of this.#limits) {
      if (one.at > this.#ms) continue
      this.#limits.delete(one)
      one.reach()
    }
  }

  random(): number {
    return 1
  }
}
