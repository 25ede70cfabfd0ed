import { utimes } from 'node:fs/promises'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import { type Lock, removeStale, seeLock, takeLock } from './lock.js'

/** A held dotlock: mail programs that know the custom leave the file alone meanwhile. */
export interface Dotlock extends Lock {
  /** Tells others that it is still in use; to be called at least every few minutes. */
  refresh(): Promise<void>
}

/**
 * Takes `<path>.lock`, waiting up to 30 s for another program (QUIRKS MBX-09), then throws `mbox-locked`. A lock counts
 * as stale if it is ours and its process is gone, or if nobody touched it for 15 minutes.
 */
export async function takeDotlock(path: string, holder: { run: string }, clock: DotlockClock): Promise<Dotlock> {
  const lockPath = `${path}.lock`
  const named = { run: holder.run, what: path }
  const deadline = clock.monotonic() + patienceMs
  for (;;) {
    try {
      const lock = await takeLock(lockPath, named)
      const refresh = async (): Promise<void> => {
        const now = new Date(clock.now())
        await utimes(lockPath, now, now)
      }
      return { ...lock, refresh }
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'held') throw error
      const seen = await seeLock(lockPath)
      if (!seen) continue
      if (clock.now() - seen.mtimeMs >= staleMs && (await removeStale(lockPath, seen, named))) continue
      if (clock.monotonic() >= deadline) {
        throw new Fault('mbox-locked', `another program holds ${lockPath}: ${error.message}`, { cause: error })
      }
      await clock.sleep(pollMs)
    }
  }
}

type DotlockClock = Pick<Clock, 'now' | 'monotonic' | 'sleep'>

const patienceMs = 30_000
const pollMs = 100
const staleMs = 15 * 60_000
