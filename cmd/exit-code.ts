import type { CheckOutcome } from '../src/app/check.js'
import type { AccountResult, RunOutcome } from '../src/app/migrate.js'
import type { VerifyOutcome } from '../src/app/verify.js'
import type { Fault } from '../src/ports/fault.js'
import type { AccountVerdict } from '../src/ports/verification.js'

/** The exit codes of the contract. */
export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  incomplete: 3,
  held: 4,
  later: 75,
  interrupted: 130,
  terminated: 143,
} as const

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done: everything is at every target (nothing to do counts)',
  internal: 'an internal error: please report it',
  usage: 'wrong usage or a wrong plan; nothing was contacted, nothing written',
  incomplete:
    'incomplete, someone must look: a message, account or target failed, or `check` or `verify` found something wrong; all others were served',
  held: "another process holds this plan's state or one of its targets",
  later: 'incomplete, only for reasons that pass (unreachable, locked, throttled): run the same command later',
  interrupted: 'stopped by SIGINT within 10 s, at a checkpoint',
  terminated: 'stopped by SIGTERM within 10 s, at a checkpoint',
}

/** The same for people: each code and what it means. */
export const exitCodeList: readonly (readonly [code: number, meaning: string])[] = Object.entries(exitCodes).map(
  ([name, code]) => [code, meanings[name as keyof typeof exitCodes]],
)

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What a run's outcome means to the caller; `signal` is what interrupted it. */
export function exitCode(outcome: RunOutcome, signal: StopSignal | undefined): number {
  return worst(outcome.accounts.flatMap(codesOf), outcome, signal)
}

/** The same for a verification. */
export function verifyExitCode(outcome: VerifyOutcome, signal: StopSignal | undefined): number {
  return worst(outcome.accounts.flatMap(verdictCodes), outcome, signal)
}

/** The same for a check. */
export function checkExitCode(outcome: CheckOutcome, signal: StopSignal | undefined): number {
  const faults = outcome.accounts.flatMap(({ source, targets }) =>
    [source, ...targets].flatMap(({ fault }) => fault ?? []),
  )
  return worst(faults.map(faultExitCode), outcome, signal)
}

function worst(
  found: readonly number[],
  { interrupted }: { readonly interrupted: boolean },
  signal: StopSignal | undefined,
): number {
  const codes = new Set([...found, ...(interrupted ? [signalExitCode(signal)] : [])])
  return precedence.find((code) => codes.has(code)) ?? exitCodes.done
}

/** The same for a fault that ended everything. */
export function faultExitCode({ code, transient }: Fault): number {
  if (code === 'internal') return exitCodes.internal
  if (code === 'plan-conflict') return exitCodes.usage
  if (code === 'held') return exitCodes.held
  return transient ? exitCodes.later : exitCodes.incomplete
}

export function signalExitCode(signal: StopSignal | undefined): number {
  return signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** The first that applies wins. */
export const precedence: readonly number[] = [
  exitCodes.internal,
  exitCodes.interrupted,
  exitCodes.terminated,
  exitCodes.usage,
  exitCodes.incomplete,
  exitCodes.held,
  exitCodes.later,
]

function codesOf({ faults, mismatched }: AccountResult): readonly number[] {
  return [...faults.map(faultExitCode), ...(mismatched > 0 ? [exitCodes.incomplete] : [])]
}

function verdictCodes({ targets, source }: AccountVerdict): readonly number[] {
  const faults = [...targets.flatMap(({ fault }) => fault ?? []), ...(source?.faults ?? [])]
  const wrong =
    (source?.uncopied ?? 0) > 0 ||
    targets.some(({ missing, altered, duplicated }) => missing + altered + duplicated > 0)
  return [...faults.map(faultExitCode), ...(wrong ? [exitCodes.incomplete] : [])]
}
