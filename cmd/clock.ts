import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../src/ports/clock.js'

/** The machine's time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => sleep(ms, undefined, signal && { signal }),
  random: () => Math.random(),
}
