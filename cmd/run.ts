import { join, resolve } from 'node:path'
import { type Migration, migrate, type RunOutcome } from '../src/app/migrate.js'
import { diskFault, makeDirectory } from '../src/files/durable.js'
import { type Lock, takeLock } from '../src/files/lock.js'
import { openQuarantine } from '../src/files/quarantine.js'
import { openSpool } from '../src/files/spool.js'
import { openLedger } from '../src/ledgers/sqlite.js'
import type { PlannedAccount } from '../src/plan/plan.js'
import { resolveSecrets } from '../src/plan/secrets.js'
import type { Emit } from '../src/ports/event.js'
import { asFault, Fault } from '../src/ports/fault.js'
import type { Spool } from '../src/ports/spool.js'
import { systemClock } from './clock.js'
import { exitCode, exitCodes, faultExitCode, signalExitCode } from './exit-code.js'
import { type JobContext, makeJobs } from './jobs.js'
import { type OpenedPlan, openPlan } from './open-plan.js'
import type { RunOptions } from './options.js'
import { terminalPrompt } from './prompt.js'
import { Refusal } from './refusal.js'
import { openReporting } from './reporting.js'
import { StopSignals } from './stop-signals.js'
import type { Streams } from './streams.js'

/** `popferry run`: puts a migration together, carries it out, and returns the exit code. */
export async function run(file: string, options: RunOptions, streams: Streams): Promise<number> {
  using stop = new StopSignals()
  const opened = await openPlan(file, options, systemClock)
  const secrets = await secretsOf(opened, stop.signal)
  if (!secrets) return signalExitCode(stop.received)
  await using reporting = await openReporting(options, streams, systemClock)
  const { emit } = reporting
  const jobs = makeJobs(opened.accounts, {
    ...opened,
    clock: systemClock,
    emit,
    transcript: options.verbose > 1,
    secrets,
  })
  warn(opened, emit)
  // Up to here nothing was contacted and nothing written.
  await using state = await openState(opened, options.dryRun)
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
    ...(options.limit !== undefined && { limit: options.limit }),
    signal: stop.signal,
  })
  return await finish(outcome, { run, state, options, emit, code: exitCode(outcome, stop.received) })
}

/**
 * The providers of the accounts' secrets; undefined when a signal came while one was asked for. Variables that held a
 * secret are removed: neither a child nor a diagnostic report shall see them (QUIRKS SEC-03, SEC-06).
 */
async function secretsOf(
  { plan, accounts }: OpenedPlan,
  signal: AbortSignal,
): Promise<JobContext['secrets'] | undefined> {
  const prompt = terminalPrompt(signal)
  const env = { ...process.env }
  for (const variable of plan.secretVariables) Reflect.deleteProperty(process.env, variable)
  const options = { env, withheld: plan.secretVariables, clock: systemClock, ...(prompt && { prompt }) }
  const resolved = await resolveSecrets(accounts, options).catch((error: unknown) => {
    if (signal.aborted) return undefined
    throw error
  })
  if (resolved && 'diagnostics' in resolved) throw Refusal.ofPlan(resolved.diagnostics)
  return resolved?.providers
}

function warn({ plan, accounts, exposed }: OpenedPlan, emit: Emit): void {
  const selected = new Set(accounts.map(({ name }: PlannedAccount) => name))
  for (const warning of plan.warnings) {
    if (warning.account === undefined || selected.has(warning.account)) emit({ type: 'warning', ...warning })
  }
  for (const file of exposed) {
    const message = `${resolve(file)} holds a password and others may read it: chmod 600, or take the password from elsewhere`
    emit({ type: 'warning', code: 'plan-readable', message })
  }
}

type State = Pick<Migration, 'ledger' | 'spool' | 'quarantine'> & AsyncDisposable

/** The state folder, locked, with its ledger, spool and quarantine. A dry run only reads the ledger and leaves no trace. */
async function openState({ plan, stateFolder, run }: OpenedPlan, dryRun: boolean): Promise<State> {
  const lock = dryRun ? undefined : await lockState(stateFolder, { run, what: `the state of ${plan.file}` })
  try {
    const spool = dryRun ? noSpool : await openSpool(join(stateFolder, 'spool'))
    const quarantine = openQuarantine(join(stateFolder, 'quarantine'), systemClock)
    const ledger = await openLedger({ folder: stateFolder, readOnly: dryRun, clock: systemClock })
    const close = async (): Promise<void> => {
      try {
        await ledger[Symbol.asyncDispose]()
      } finally {
        await lock?.release()
      }
    }
    return { ledger, spool, quarantine, [Symbol.asyncDispose]: close }
  } catch (error) {
    await lock?.release()
    throw error
  }
}

async function lockState(folder: string, holder: { run: string; what: string }): Promise<Lock> {
  try {
    await makeDirectory(folder, 0o700)
  } catch (error) {
    throw new Fault('state-failed', diskFault(error, 'create', folder).message, { cause: error })
  }
  return takeLock(join(folder, 'lock'), holder)
}

const noSpool: Spool = {
  create: () => {
    throw new TypeError('a dry run fetches nothing')
  },
}

interface Ending {
  readonly run: string
  readonly state: State
  readonly options: RunOptions
  readonly emit: Emit
  readonly code: number
}

/** The result is told even where the ledger cannot record it any more. */
async function finish({ counts, seconds }: RunOutcome, { run, state, options, emit, code }: Ending): Promise<number> {
  const { dryRun } = options
  let exitCode = code
  try {
    if (!dryRun) await state.ledger.finishRun(run, systemClock.now(), code)
  } catch (error) {
    const fault = asFault(error)
    emit({ type: 'warning', code: fault.code, message: fault.message })
    if (code === exitCodes.done || code === exitCodes.later) exitCode = faultExitCode(fault)
  }
  emit({ type: 'run.finished', run, exitCode, counts, seconds, dryRun })
  return exitCode
}
