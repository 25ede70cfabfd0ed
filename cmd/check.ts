import { check as checkPlan, type CheckOutcome } from '../src/app/check.js'
import { asFault } from '../src/ports/fault.js'
import { type CheckReport, jsonCheck, plainCheck } from '../src/reporters/check.js'
import { painter } from '../src/reporters/style.js'
import { systemClock } from './clock.js'
import { checkExitCode, signalExitCode } from './exit-code.js'
import { makeJobs } from './jobs.js'
import { type OpenedPlan, openPlan } from './open-plan.js'
import type { CommonOptions } from './options.js'
import { openReporting } from './reporting.js'
import { secretsOf, withoutSources } from './secrets.js'
import { heldState, openState } from './state.js'
import { StopSignals } from './stop-signals.js'
import { type Streams, usesColour } from './streams.js'
import { warn } from './warnings.js'

/** `popferry check`: signs in everywhere, fetches and stores nothing. Takes no lock while it works, so a run may start meanwhile. */
export async function check(file: string, options: CommonOptions, streams: Streams): Promise<number> {
  using stop = new StopSignals()
  const opened = await openPlan(file, options, systemClock)
  const held = await heldState(opened)
  const asked = held ? withoutSources(opened.accounts) : opened.accounts
  const secrets = await secretsOf(opened, asked, stop.signal)
  if (!secrets) return signalExitCode(stop.received)
  // Warnings and the protocol; a check has results of its own.
  await using reporting = await openReporting({ ...options, dryRun: true }, streams, systemClock)
  const { emit } = reporting
  const transcript = options.verbose > 1
  const jobs = makeJobs(opened.accounts, { ...opened, clock: systemClock, emit, transcript, secrets })
  await using state = await openState(opened, 'look')
  warn(opened, emit)
  const report = reportFor(options, streams)
  const outcome = await checkPlan({
    jobs,
    concurrency: opened.plan.concurrency,
    clock: systemClock,
    emit,
    signal: stop.signal,
    limits: opened.plan.limits,
    ledger: state.ledger,
    held,
    tell: (result) => {
      report.on(result)
    },
  })
  const exitCode = checkExitCode(outcome, stop.received)
  report.finish({ ...outcome, exitCode, ...(held && { held }) })
  // Last: whatever goes wrong with the state, what was found has been told.
  if (outcome.signIns.length > 0) await record(outcome.signIns, opened)
  return exitCode
}

/** A run that has begun meanwhile records its own. */
async function record(signIns: CheckOutcome['signIns'], opened: OpenedPlan): Promise<void> {
  try {
    await using state = await openState(opened, 'work')
    for (const { account, learnt } of signIns) await state.ledger.remember(account, learnt)
  } catch (error) {
    if (asFault(error).code !== 'held') throw error
  }
}

function reportFor({ json, quiet, color }: CommonOptions, { stdout }: Streams): CheckReport {
  if (json) return jsonCheck(stdout, systemClock)
  const paint = painter(usesColour({ wanted: color, isTerminal: process.stdout.isTTY, env: process.env }))
  return plainCheck({ stdout, paint, quiet, clock: systemClock })
}
