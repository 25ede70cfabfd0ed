import type { AccountCheck, Estimate, SourceCheck, TargetCheck } from '../ports/check.js'
import { asFault, type Fault } from '../ports/fault.js'
import type { AccountMemory } from '../ports/ledger.js'
import type { Source } from '../ports/source.js'
import type { Lane } from '../ports/target.js'
import { Pace } from '../pipeline/pace.js'
import { recognise } from './enrol.js'
import { estimate, estimateAll } from './estimate.js'
import { isKnown, recordedLane } from './lanes.js'
import { missingOf } from './missing.js'
import { candidatesOf, type Migration, type MigrationJob } from './migrate.js'
import { Turns } from './turns.js'

export interface Check extends Pick<Migration, 'jobs' | 'ledger' | 'concurrency' | 'clock' | 'emit' | 'signal'> {
  /** Bytes a second over all accounts. */
  readonly limits: { readonly bandwidth?: number }
  /** Who works in the plan's state: the sources are left to it. */
  readonly held: Fault | undefined
  /** Called once an account. */
  readonly tell: (result: AccountCheck) => void
}

export interface SignIn {
  readonly account: string
  readonly learnt: Partial<AccountMemory>
}

export interface CheckOutcome {
  /** In the order of the plan; without those that were interrupted. */
  readonly accounts: readonly AccountCheck[]
  readonly interrupted: boolean
  /** What the next run must know, by accounts of the ledger: sign-ins that have to keep a distance. */
  readonly signIns: readonly SignIn[]
  /** For what is missing of all of them; absent where nothing is. */
  readonly estimate?: Estimate
  readonly seconds: number
}

/**
 * Signs in to every source and lists it, fetches nothing, and sees whether every target would take mail; one attempt each,
 * as many at once as a run would make. Throws a Fault `plan-conflict` before anything was contacted.
 */
export async function check(context: Check): Promise<CheckOutcome> {
  const { jobs, ledger, concurrency, limits, clock, emit, signal, held, tell } = context
  const startedAt = clock.monotonic()
  const known = await ledger.known()
  const { enrolments, warnings } = recognise(candidatesOf(jobs), known)
  for (const warning of warnings) emit({ type: 'warning', ...warning })
  const turns = new Turns(concurrency, jobs)
  const signIns: SignIn[] = []
  const accounts = await Promise.all(
    jobs.map(async (job, index) =>
      turns.take(job, async () => {
        const lanes = job.targets.map((_, number) => {
          const lane = recordedLane(job, enrolments[index], number)
          return isKnown(lane, known) ? lane : undefined
        })
        const source: SourceCheck | Promise<SourceCheck> = held
          ? { fault: held }
          : checkSource({ ...job, recorded: enrolments[index]?.was ?? job.name, lanes }, { ...context, signIns })
        const targets = job.targets.map(async (named, number) => checkTarget(named, lanes[number], context))
        const result = { account: job.name, source: await source, targets: await Promise.all(targets) }
        if (signal.aborted) return []
        tell(result)
        return [result]
      }),
    ),
  )
  const waiting = accounts.flat().flatMap(({ account, source: { missing, estimate: alone } }) => {
    const host = jobs.find(({ name }) => name === account)?.host ?? ''
    return missing && alone ? [{ ...missing, ...alone, host }] : []
  })
  return {
    accounts: accounts.flat(),
    interrupted: signal.aborted,
    signIns: known.length > 0 ? signIns : [],
    ...(waiting.length > 0 && { estimate: estimateAll(waiting, concurrency, limits.bandwidth) }),
    seconds: (clock.monotonic() - startedAt) / 1000,
  }
}

/** `recorded`: the lane's names in the ledger, if it is known there. */
async function checkTarget(
  { name, target }: MigrationJob['targets'][number],
  recorded: Lane | undefined,
  { ledger, signal }: Check,
): Promise<TargetCheck> {
  try {
    signal.throwIfAborted()
    const progress = recorded && (await ledger.load(recorded))
    return { target: name, ...(await target.probe?.(progress, signal)) }
  } catch (error) {
    return { target: name, fault: asFault(error) }
  }
}

interface CheckedSource {
  readonly source: Source
  /** The account's name in the ledger. */
  readonly recorded: string
  readonly lanes: readonly (Lane | undefined)[]
}

async function checkSource(
  { source, recorded: account, lanes }: CheckedSource,
  { ledger, clock, limits, signal, signIns }: Check & { readonly signIns: SignIn[] },
): Promise<SourceCheck> {
  const remember = async (_: string, learnt: Partial<AccountMemory>): Promise<void> => {
    signIns.push({ account, learnt })
  }
  let signIn
  try {
    const memory = await ledger.recall(account)
    const pace = new Pace({ account, source, ledger: { remember }, clock, memory, readOnly: false })
    if (pace.waitMs > 0) throw pace.fault
    await using session = await pace.signIn(signal)
    signIn = session.facts
    const { entries, bytes } = await session.list()
    // Commits nothing: nothing was fetched or marked.
    await session.quit()
    const missing = await missingOf(entries, lanes, ledger)
    const found = { signIn, messages: entries.length, bytes, missing }
    if (missing.messages === 0) return found
    const { speed } = memory
    const { latencyMs = 0, pipelined = false } = signIn
    return { ...found, estimate: estimate(missing, { latencyMs, pipelined, speed, bandwidth: limits.bandwidth }) }
  } catch (error) {
    return { ...(signIn && { signIn }), fault: asFault(error) }
  }
}
