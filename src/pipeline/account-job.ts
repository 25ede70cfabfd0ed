import type { Clock } from '../ports/clock.js'
import type { AccountOutcome, Counts, Emit } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'
import type { Ledger } from '../ports/ledger.js'
import type { QuarantineFolder } from '../ports/quarantine.js'
import type { Source } from '../ports/source.js'
import type { Lane, Target } from '../ports/target.js'
import type { RetryPolicy } from './backoff.js'
import type { Budget } from './budget.js'
import type { MessageIntake } from './intake.js'
import type { BatchLimits } from './lane-queue.js'
import type { Selector } from './selection.js'

export interface AccountJob {
  readonly name: string
  readonly source: Source
  /** Absent: every message is wanted. */
  readonly select?: Selector
  /** How long after the copy a message is deleted at the source, ms; absent: never. */
  readonly deleteAfter?: number
  readonly targets: readonly AccountTarget[]
  /** What is known to be wrong at the targets, and this run cannot put right. */
  readonly defects?: readonly Fault[]
}

export interface AccountTarget {
  readonly name: string
  readonly target: Target
  /** The lane's names in the ledger where they still differ from the plan's. */
  readonly recorded?: Lane
}

export interface AccountContext {
  readonly run: string
  readonly ledger: Ledger
  readonly clock: Clock
  readonly emit: Emit
  readonly intake: MessageIntake
  readonly quarantine: QuarantineFolder
  readonly budget: Budget
  readonly batch: BatchLimits
  readonly retry: RetryPolicy
  /** Look and tell only: no RETR, no target opened, nothing written. */
  readonly dryRun: boolean
  /** Bytes a second over all accounts. */
  readonly limits?: { readonly bandwidth?: number } | undefined
  /** Rebuild the ledger from what stands at the targets. */
  readonly adopt?: boolean | undefined
  /** At most so many messages. */
  readonly limit: number | undefined
  /** Aborted: stop at the next checkpoint. */
  readonly signal: AbortSignal
}

export interface AccountResult {
  readonly account: string
  readonly status: AccountOutcome
  readonly counts: Counts
  /** Everything that kept something from being done. */
  readonly faults: readonly Fault[]
  /** Copied messages that arrived shorter than listed (CONTRACT, guarantee 1). */
  readonly mismatched: number
}
