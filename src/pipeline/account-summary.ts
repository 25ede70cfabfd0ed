import type { AccountSummary, Failure } from '../ports/ledger.js'
import type { Emit } from '../ports/event.js'
import { asFault } from '../ports/fault.js'
import type { AccountContext, AccountResult } from './account-job.js'
import type { MessageFailure, Roster } from './roster.js'

interface Found {
  readonly run: string
  readonly at: number
  readonly failures: readonly MessageFailure[]
  readonly roster: Roster
}

interface Recording extends Omit<Found, 'at'>, Pick<AccountContext, 'ledger' | 'clock' | 'dryRun'> {
  readonly emit: Emit
}

/** Tells of every message that failed, and writes the account's outcome into the ledger. */
export async function recordOutcome(result: AccountResult, found: Recording): Promise<AccountResult> {
  const { emit, ledger, clock, dryRun, failures } = found
  const { account, faults } = result
  for (const { key, target, fault } of failures) {
    emit({ type: 'message.failed', account, key, ...(target !== undefined && { target }), fault })
  }
  if (dryRun) return result
  try {
    await ledger.finishAccount(account, summaryOf(result, { ...found, at: clock.now() }))
    return result
  } catch (error) {
    return { ...result, status: 'failed', faults: [asFault(error), ...faults] }
  }
}

/** What the ledger is told of an account's end in a run. */
function summaryOf({ status, counts, faults }: AccountResult, found: Found): AccountSummary {
  const { run, at, failures, roster } = found
  const stop = faults.find(({ scope }) => scope !== 'message')
  const untried = { [Symbol.iterator]: () => roster.untried()[Symbol.iterator]() }
  return {
    run,
    at,
    status,
    ...(stop && { code: stop.code, error: stop.account }),
    // Without a listing nobody has looked: what earlier runs recorded stands.
    ...(roster.listed && { failures: failures.map(failureOf), listing: { counts, untried } }),
  }
}

function failureOf({ key, own, size, target, fault }: MessageFailure): Failure {
  return {
    key: own,
    code: fault.code,
    error: fault.account,
    ...(key !== own && { listed: key }),
    ...(size === undefined ? { unlisted: true } : { size }),
    ...(target !== undefined && { target }),
  }
}
