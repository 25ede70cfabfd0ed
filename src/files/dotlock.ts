import { stat, unlink, utimes } from 'node:fs/promises'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import { errorCode } from './durable.js'
import { type Lock, takeLock } from './lock.js'

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
  const deadline = clock.monotonic() + patienceMs
  for (;;) {
    try {
      const lock = await takeLock(lockPath, { run: holder.run, what: path })
      const refresh = async (): Promise<void> => {
        const now = new Date(clock.now())
        await utimes(lockPath, now, now)
      }
      return { ...lock, release: () => lock.release(), refresh, [Symbol.asyncDispose]: () => lock.release() }
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'held') throw error
      if (await removeIfStale(lockPath, clock.now())) continue
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

async function removeIfStale(path: string, now: number): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path)
    if (now - mtimeMs < staleMs) return false
    await unlink(path)
  } catch (error) {
    // Released meanwhile.
    if (errorCode(error) !== 'ENOENT') throw error
  }
  return true
}
