import type { Clock } from '../ports/clock.js'
import { isBusy } from './driver.js'

/**
 * Repeats work that another process's lock kept from starting, for up to 5 s, without blocking the event loop: the
 * driver's own timeout would. The work must leave nothing behind when it throws.
 */
export async function retryWhileBusy<T>(clock: Clock, work: () => T): Promise<T> {
  const deadline = clock.monotonic() + patienceMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= deadline) throw error
      await clock.sleep(pauseMs)
    }
  }
}

const patienceMs = 5000
const pauseMs = 10
