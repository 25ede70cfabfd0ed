import { setMaxListeners } from 'node:events'
import { Bandwidth } from '../pipeline/bandwidth.js'
import type { AccountContext, AccountJob, AccountResult } from '../pipeline/account-job.js'
import { runAccount } from '../pipeline/account.js'
import type { RetryPolicy } from '../pipeline/backoff.js'
import { Budget } from '../pipeline/budget.js'
import { MessageIntake } from '../pipeline/intake.js'
import type { BatchLimits } from '../pipeline/lane-queue.js'
import { quarantineName } from '../pipeline/quarantine.js'
import type { Clock } from '../ports/clock.js'
import { countText } from '../ports/figures.js'
import { type Counts, type Emit, noCounts } from '../ports/event.js'
import type { Enrolment, Ledger } from '../ports/ledger.js'
import type { QuarantineFolder } from '../ports/quarantine.js'
import type { Spool } from '../ports/spool.js'
import type { Lane } from '../ports/target.js'
import { type Candidate, recognise } from './enrol.js'
import { recordedLane } from './lanes.js'
import { repair } from './repair.js'
import { type Concurrency, Turns } from './turns.js'

export type { AccountResult } from '../pipeline/account-job.js'

/** Everything a migration works with; nothing below asks the environment for more. */
export interface Migration {
  readonly run: string
  /** For the reports. */
  readonly planFile: string
  readonly jobs: readonly MigrationJob[]
  readonly ledger: Ledger
  readonly spool: Spool
  readonly quarantine: QuarantineFolder
  readonly clock: Clock
  readonly emit: Emit
  readonly concurrency: Concurrency
  /** Bytes a second, and bytes of messages held in memory. */
  readonly limits: { readonly bandwidth?: number; readonly memory: number }
  readonly retry: RetryPolicy
  readonly dryRun: boolean
  /** First look at every target, and copy again what it lacks. */
  readonly repair?: boolean
  /** Take what stands at the targets for copied, and copy only what does not. */
  readonly adopt?: boolean
  readonly limit?: number
  /** Aborted: stop at the next checkpoint. */
  readonly signal: AbortSignal
}

export interface MigrationJob extends AccountJob {
  readonly previously?: string
  readonly host: string
  readonly user: string
  readonly targets: readonly (AccountJob['targets'][number] & { readonly previously?: string })[]
}

export interface RunOutcome {
  readonly counts: Counts
  readonly accounts: readonly AccountResult[]
  readonly interrupted: boolean
  readonly seconds: number
}

/**
 * Copies what is missing, all accounts in parallel under the limits. One failing account stops no other; only a ledger
 * that fails ends the run, at the next checkpoint of each account. Throws a Fault of scope `run` before anything started.
 */
export async function migrate(migration: Migration): Promise<RunOutcome> {
  const { run, planFile, jobs, ledger, clock, emit, dryRun } = migration
  const startedAt = clock.monotonic()
  // Then it may be that the ledger was lost.
  const fresh = (await ledger.known()).length === 0
  const enrolments = await enrol(migration)
  if (!dryRun) {
    await tidyQuarantine(migration, fresh || migration.adopt === true)
    await ledger.startRun(run, clock.now())
  }
  emit({ type: 'run.started', run, plan: planFile, accounts: jobs.length })
  const accounts = await runAccounts(dryRun ? underRecordedNames(migration, enrolments) : migration)
  return {
    counts: accounts.map(({ counts }) => counts).reduce(add, noCounts),
    accounts,
    interrupted: migration.signal.aborted,
    seconds: (clock.monotonic() - startedAt) / 1000,
  }
}

async function enrol({ jobs, ledger, dryRun, emit }: Migration): Promise<readonly Enrolment[]> {
  const { enrolments, warnings } = recognise(candidatesOf(jobs), await ledger.known())
  for (const warning of warnings) emit({ type: 'warning', ...warning })
  if (!dryRun) await ledger.enrol(enrolments)
  return enrolments
}

export function candidatesOf(jobs: readonly MigrationJob[]): readonly Candidate[] {
  return jobs.map(({ targets, source, ...job }) => ({
    ...job,
    host: source.server,
    targets: targets.map(({ target, ...names }) => ({ ...names, place: target.place })),
  }))
}

/**
 * A killed run may have left files that the ledger does not speak of, or not any more. `lost`: a better ledger may have
 * known them, and what it does not speak of is nowhere else.
 */
async function tidyQuarantine({ ledger, quarantine, emit }: Migration, lost: boolean): Promise<void> {
  const kept = new Set<string>()
  for (const { account } of await ledger.known()) {
    for (const one of await ledger.kept(account)) kept.add(quarantineName(one.origin, one))
  }
  const count = lost ? await quarantine.setAside(kept) : 0
  if (!lost) await quarantine.sweep(kept)
  if (count === 0) return
  const message = `quarantine/ holds ${countText(count, 'message')} that no ledger speaks of: see unclaimed-*.eml there`
  emit({ type: 'warning', code: 'quarantine-unclaimed', message })
}

/** A dry run renames nothing in the ledger, so it looks renamed lanes up by the names that stand there. */
function underRecordedNames(migration: Migration, enrolments: readonly Enrolment[]): Migration {
  const jobs = migration.jobs.map((job, index) => {
    const recorded = (lane: number): Lane => recordedLane(job, enrolments[index], lane)
    return { ...job, targets: job.targets.map((target, lane) => ({ ...target, recorded: recorded(lane) })) }
  })
  return { ...migration, jobs }
}

async function runAccounts(migration: Migration): Promise<readonly AccountResult[]> {
  const { jobs, concurrency, clock, limits, signal } = migration
  const broken = new AbortController()
  const stop = AbortSignal.any([signal, broken.signal])
  // Each connection listens to it, and there may be as many as the plan says.
  setMaxListeners(0, stop)
  const bandwidth = limits.bandwidth === undefined ? undefined : new Bandwidth(limits.bandwidth, clock, stop)
  // Shares of its own for each account: one whose target hangs must not keep the memory that others wait for.
  const memory = limits.memory / Math.max(1, Math.min(concurrency.accounts, jobs.length))
  const context: Omit<AccountContext, 'budget'> = {
    ...migration,
    intake: new MessageIntake(migration.spool, bandwidth),
    batch: batchLimits(memory),
    limit: migration.limit,
    signal: stop,
  }
  const turns = new Turns(concurrency, jobs)
  return Promise.all(
    jobs.map(async (job) =>
      turns.take(job, async () => {
        const defects = migration.repair ? await repair(job, { ...migration, signal: stop }) : []
        const result = await runAccount({ ...job, defects }, { ...context, budget: new Budget(memory) })
        if (result.faults.some(({ scope, code }) => scope === 'run' && code !== 'held')) broken.abort()
        return result
      }),
    ),
  )
}

/** Large enough to share its syncs, small enough that the next batch fits into memory beside it. */
function batchLimits(memory: number): BatchLimits {
  const bytes = Math.min(16 * 1024 * 1024, memory / 4)
  return { due: { messages: 250, first: 50, bytes: bytes / 4, ageMs: 1000 }, most: { messages: 2000, bytes } }
}

function add(a: Counts, b: Counts): Counts {
  return {
    listed: a.listed + b.listed,
    copied: a.copied + b.copied,
    present: a.present + b.present,
    filtered: a.filtered + b.filtered,
    failed: a.failed + b.failed,
    vanished: a.vanished + b.vanished,
    pending: a.pending + b.pending,
    reidentified: a.reidentified + b.reidentified,
    deleted: a.deleted + b.deleted,
    bytes: a.bytes + b.bytes,
  }
}
