import type { AccountResult, RunOutcome } from '../src/app/migrate.js'
import type { Fault } from '../src/ports/fault.js'

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

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What a run's outcome means to the caller; `signal` is what interrupted it. */
export function exitCode(outcome: RunOutcome, signal: StopSignal | undefined): number {
  const codes = new Set(outcome.accounts.flatMap(codesOf))
  if (outcome.interrupted) codes.add(signalExitCode(signal))
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
const precedence: readonly number[] = [
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
