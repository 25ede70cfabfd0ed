import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../src/ports/clock.js'

/** Longer ones would fire at once: Node counts them in 32 bits. */
const longestTimer = 2 ** 31 - 1

/** The machine's time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: wait,
  limit: wait,
  random: () => Math.random(),
}

async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; ; left -= longestTimer) {
    await sleep(Math.min(left, longestTimer), undefined, signal && { signal })
    if (left <= longestTimer) return
  }
}
