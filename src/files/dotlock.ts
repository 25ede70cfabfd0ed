import { readdir, utimes } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
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

/**
 * Removes what a run of ours that was killed has left of its dotlock: mail programs would wait for it. For whoever knows
 * that no run of ours is at work on the file; the dotlock of another program stays.
 */
export async function sweepDotlock(path: string, { run }: { run: string }): Promise<void> {
  const name = `${basename(path)}.lock`
  const names = await readdir(dirname(path))
  if (!names.some((one) => one === name || one.startsWith(`${name}.`))) return
  const lock = await takeLock(`${path}.lock`, { run, what: path }).catch(ignoreFault)
  await lock?.release()
}

function ignoreFault(error: unknown): undefined {
  if (!(error instanceof Fault)) throw error
}

type DotlockClock = Pick<Clock, 'now' | 'monotonic' | 'sleep'>

const patienceMs = 30_000
const pollMs = 100
const staleMs = 15 * 60_000
