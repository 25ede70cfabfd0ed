import pLimit from 'p-limit'
import { Inspection } from '../pipeline/inspection.js'
import { neighboursOf } from '../pipeline/neighbours.js'
import type { Event } from '../ports/event.js'
import { asFault, type Fault } from '../ports/fault.js'
import type { KnownAccount } from '../ports/ledger.js'
import type { Lane, Target } from '../ports/target.js'
import type { AccountVerdict, SourceVerdict, TargetVerdict, VerifyEvent } from '../ports/verification.js'
import { type AccountResult, candidatesOf, migrate, type Migration } from './migrate.js'
import { recognise } from './enrol.js'
import { isKnown, recordedLane } from './lanes.js'

export interface Verification {
  /** As for a dry run. */
  readonly migration: Migration
  /** Also list the maildrops. */
  readonly source: boolean
  readonly tell: (event: VerifyEvent) => void
}

export interface VerifyOutcome {
  readonly accounts: readonly AccountVerdict[]
  readonly interrupted: boolean
  readonly seconds: number
}

/**
 * Reads back every message that the ledger has a receipt for, and names what is missing, altered or duplicated; with
 * `source` also what the maildrops hold and the ledger does not. Changes nothing. Throws a Fault of scope `run` before
 * anything was read.
 */
export async function verify(verification: Verification): Promise<VerifyOutcome> {
  const { jobs, ledger, clock, emit, concurrency, signal } = verification.migration
  const startedAt = clock.monotonic()
  const known = await ledger.known()
  const { enrolments, warnings } = recognise(candidatesOf(jobs), known)
  // The dry run tells them itself.
  for (const warning of verification.source ? [] : warnings) emit({ type: 'warning', ...warning })
  const maildrops = verification.source ? await listMaildrops(verification) : undefined
  const limit = pLimit(concurrency.accounts)
  const accounts = await Promise.all(
    jobs.map(async (job, index) =>
      limit(async () => {
        const targets: TargetVerdict[] = []
        for (const [lane, { name, target }] of job.targets.entries()) {
          if (signal.aborted) break
          const recorded = recordedLane(job, enrolments[index], lane)
          targets.push(await verifyTarget({ account: job.name, name, target, recorded, known }, verification))
        }
        const source = maildrops?.get(job.name)
        const verdict = { account: job.name, targets, ...(source && { source }) }
        if (!signal.aborted) verification.tell({ type: 'account', verdict })
        return verdict
      }),
    ),
  )
  const seconds = (clock.monotonic() - startedAt) / 1000
  return { accounts, interrupted: signal.aborted, seconds }
}

interface VerifiedTarget {
  readonly account: string
  readonly name: string
  readonly target: Target
  /** Under its names in the ledger. */
  readonly recorded: Lane
  readonly known: readonly KnownAccount[]
}

async function verifyTarget(
  { account, name, target, recorded, known }: VerifiedTarget,
  { migration: { ledger, signal }, tell }: Verification,
): Promise<TargetVerdict> {
  const counts = { missing: 0, altered: 0, duplicated: 0 }
  const nothing = { target: name, checked: 0, bytes: 0, ...counts }
  if (!isKnown(recorded, known)) return nothing
  const neighbours = neighboursOf(recorded, target.place, known)
  const inspection = new Inspection(
    { lane: recorded, target, neighbours },
    {
      ledger,
      signal,
      read: (size) => {
        tell({ type: 'read', size })
      },
      found: (finding) => {
        counts[finding.defect]++
        tell({ type: 'finding', account, target: name, finding })
      },
    },
  )
  let fault: Fault | undefined
  try {
    await inspection.run()
  } catch (error) {
    fault = asFault(error)
  }
  const { checked, bytes } = inspection
  return { target: name, checked, bytes, ...counts, ...(fault && { fault }) }
}

/** A dry run of the whole plan: it lists, pairs with the ledger, applies `select`, and fetches nothing. */
async function listMaildrops({ migration, tell }: Verification): Promise<ReadonlyMap<string, SourceVerdict>> {
  const uncopied = new Map<string, number>()
  const listen = (event: Event): void => {
    if (event.type === 'message.wanted') {
      const { account, key, size } = event
      uncopied.set(account, (uncopied.get(account) ?? 0) + 1)
      tell({ type: 'uncopied', account, key, size })
    }
    if (passedOn.has(event.type)) migration.emit(event)
  }
  const { accounts } = await migrate({ ...migration, dryRun: true, emit: listen })
  return new Map(accounts.map((result) => [result.account, sourceVerdict(result, uncopied.get(result.account) ?? 0)]))
}

const passedOn: ReadonlySet<Event['type']> = new Set(['retry', 'protocol', 'warning'])

function sourceVerdict({ counts, faults }: AccountResult, uncopied: number): SourceVerdict {
  return { listed: counts.listed, uncopied, faults }
}
