import type { AccountSummary, Failure } from '../ports/ledger.js'
import type { AccountResult } from './account-job.js'
import type { MessageFailure, Roster } from './roster.js'

export interface Found {
  readonly run: string
  readonly at: number
  readonly failures: readonly MessageFailure[]
  readonly roster: Roster
}

/** What the ledger is told of an account's end in a run. */
export function summaryOf({ status, counts, faults }: AccountResult, found: Found): AccountSummary {
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
