import { migrate, type RunOutcome } from '../src/app/migrate.js'
import type { Emit } from '../src/ports/event.js'
import { asFault } from '../src/ports/fault.js'
import { printable } from '../src/reporters/printable.js'
import { systemClock } from './clock.js'
import { exitCode, exitCodes, faultExitCode, signalExitCode } from './exit-code.js'
import type { HealthCheck } from './health-check.js'
import { makeJobs } from './jobs.js'
import { openPlan } from './open-plan.js'
import type { RunOptions } from './options.js'
import { Refusal } from './refusal.js'
import type { Recorded } from './report-file.js'
import { openReporting } from './reporting.js'
import { secretsOf } from './secrets.js'
import { openState, type State } from './state.js'
import { StopSignals } from './stop-signals.js'
import type { Streams } from './streams.js'
import { warn } from './warnings.js'

/** `popferry run`: puts a migration together, carries it out, and returns the exit code. */
export async function run(file: string, options: RunOptions, streams: Streams): Promise<number> {
  if (options.dryRun) requireUnchanging(options)
  const healthCheck = await openHealthCheck(options, streams)
  let exitCode: number = exitCodes.internal
  healthCheck?.started()
  try {
    exitCode = await carryOut(file, options, { streams, healthCheck })
  } finally {
    // Also where there was no run at all, for the plan was wrong.
    await healthCheck?.finished(exitCode)
  }
  return exitCode
}

function requireUnchanging({ repair, adopt, report }: RunOptions): void {
  if (repair) {
    throw new Refusal([
      '--repair changes records, which --dry-run must not: `popferry verify` names what would be copied again',
    ])
  }
  if (adopt) throw new Refusal(['--adopt writes records, which --dry-run must not'])
  if (report !== undefined) {
    throw new Refusal(['--report tells what was copied, and --dry-run copies nothing: `popferry report` writes one'])
  }
}

async function openHealthCheck({ ping, dryRun }: RunOptions, { stderr }: Streams): Promise<HealthCheck | undefined> {
  if (!ping || dryRun) return undefined
  const { HealthCheck, pingUrl } = await import('./health-check.js')
  const url = pingUrl(ping)
  if (!url) throw new Refusal(['--ping: expected an https URL without user and password'])
  return new HealthCheck(url, (message) => {
    stderr.write(`warning: ${printable(message)}\n`)
  })
}

interface Surroundings {
  readonly streams: Streams
  readonly healthCheck: HealthCheck | undefined
}

async function carryOut(file: string, options: RunOptions, { streams, healthCheck }: Surroundings): Promise<number> {
  using stop = new StopSignals()
  const report = options.report === undefined ? undefined : await openReport(options.report)
  const opened = await openPlan(file, options, systemClock)
  const secrets = await secretsOf(opened, opened.accounts, stop.signal)
  if (!secrets) return signalExitCode(stop.received)
  await using reporting = await openReporting(options, streams, systemClock)
  const { emit } = reporting
  if (healthCheck) {
    healthCheck.warn = (message) => {
      emit({ type: 'warning', code: 'ping-failed', message })
    }
  }
  const jobs = makeJobs(opened.accounts, {
    ...opened,
    clock: systemClock,
    emit,
    transcript: options.verbose > 1,
    secrets,
  })
  warn(opened, emit)
  // Up to here nothing was contacted and nothing written.
  await using state = await openState(opened, options.dryRun ? 'look' : 'work')
  const { plan, run } = opened
  const outcome = await migrate({
    ...state,
    run,
    planFile: plan.file,
    jobs,
    clock: systemClock,
    emit,
    concurrency: plan.concurrency,
    limits: plan.limits,
    retry: plan.retry,
    dryRun: options.dryRun,
    repair: options.repair,
    adopt: options.adopt,
    ...(options.limit !== undefined && { limit: options.limit }),
    signal: stop.signal,
  })
  const patienceMs = outcome.interrupted ? patienceWhenStoppedMs : undefined
  const told = report && (async () => report({ opened, options, ...state, clock: systemClock, patienceMs }))
  const code = exitCode(outcome, stop.received)
  return await finish(outcome, { run, state, options, emit, healthCheck, code, report: told })
}

/** Whoever stops a run waits ten seconds for it. */
const patienceWhenStoppedMs = 4000

/** Where no report can be, nothing is begun. */
async function openReport(file: string): Promise<(recorded: Recorded) => Promise<unknown>> {
  const { reportFile, writeReport } = await import('./report-file.js')
  const place = await reportFile('--report', file)
  return async (recorded) => writeReport(place, recorded)
}

interface Ending {
  readonly healthCheck: HealthCheck | undefined
  readonly run: string
  readonly state: State
  readonly options: RunOptions
  readonly emit: Emit
  readonly code: number
  readonly report: (() => Promise<unknown>) | undefined
}

/** The result is told even where the ledger cannot record it any more. */
async function finish({ counts, seconds }: RunOutcome, ending: Ending): Promise<number> {
  const { run, state, emit, code, healthCheck, report } = ending
  const { dryRun } = ending.options
  let exitCode = code
  try {
    if (!dryRun) await state.ledger.finishRun(run, systemClock.now(), code)
  } catch (error) {
    const fault = asFault(error)
    emit({ type: 'warning', code: fault.code, message: fault.message })
    if (code === exitCodes.done || code === exitCodes.later) exitCode = faultExitCode(fault)
  }
  try {
    await report?.()
  } catch (error) {
    const fault = asFault(error)
    emit({ type: 'warning', code: 'report-failed', message: `the report was not written: ${fault.message}` })
    if (exitCode === exitCodes.done || exitCode === exitCodes.later) exitCode = faultExitCode(fault)
  }
  await healthCheck?.finished(exitCode)
  emit({ type: 'run.finished', run, exitCode, counts, seconds, dryRun })
  return exitCode
}
