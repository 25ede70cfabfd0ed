import type { AccountCheck, SourceCheck, TargetCheck } from '../ports/check.js'
import { asFault, type Fault } from '../ports/fault.js'
import type { KnownAccount } from '../ports/ledger.js'
import type { Source } from '../ports/source.js'
import { recognise } from './enrol.js'
import { candidatesOf, type Migration } from './migrate.js'
import { Turns } from './turns.js'

export interface Check extends Pick<Migration, 'jobs' | 'concurrency' | 'clock' | 'emit' | 'signal'> {
  readonly known: readonly KnownAccount[]
  /** Who works in the plan's state: the sources are left to it. */
  readonly held: Fault | undefined
  /** Called once an account. */
  readonly tell: (result: AccountCheck) => void
}

export interface CheckOutcome {
  readonly accounts: readonly AccountCheck[]
  readonly interrupted: boolean
  readonly seconds: number
}

/**
 * Signs in to every source and lists it, fetches nothing, and sees whether every target would take mail; one attempt each,
 * as many at once as a run would make. Throws a Fault `plan-conflict` before anything was contacted.
 */
export async function check({
  jobs,
  concurrency,
  clock,
  emit,
  signal,
  known,
  held,
  tell,
}: Check): Promise<CheckOutcome> {
  const startedAt = clock.monotonic()
  for (const warning of recognise(candidatesOf(jobs), known).warnings) emit({ type: 'warning', ...warning })
  const turns = new Turns(concurrency, jobs)
  const accounts = await Promise.all(
    jobs.map(async (job) =>
      turns.take(job, async () => {
        const source = held ? { fault: held } : checkSource(job.source, signal)
        const targets = job.targets.map(async ({ name, target }): Promise<TargetCheck> => {
          try {
            signal.throwIfAborted()
            return { target: name, ...(await target.probe?.(signal)) }
          } catch (error) {
            return { target: name, fault: asFault(error) }
          }
        })
        const result = { account: job.name, source: await source, targets: await Promise.all(targets) }
        if (!signal.aborted) tell(result)
        return result
      }),
    ),
  )
  return { accounts, interrupted: signal.aborted, seconds: (clock.monotonic() - startedAt) / 1000 }
}

async function checkSource(source: Source, signal: AbortSignal): Promise<SourceCheck> {
  let signIn
  try {
    await using session = await source.connect(signal)
    signIn = session.facts
    const { entries, bytes } = await session.list()
    // Commits nothing: nothing was fetched or marked.
    await session.quit()
    return { signIn, messages: entries.length, bytes }
  } catch (error) {
    return { ...(signIn && { signIn }), fault: asFault(error) }
  }
}
