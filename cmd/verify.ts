import { verify as verifyPlan } from '../src/app/verify.js'
import { painter } from '../src/reporters/style.js'
import { jsonVerification, plainVerification } from '../src/reporters/verification.js'
import { systemClock } from './clock.js'
import { signalExitCode, verifyExitCode } from './exit-code.js'
import { makeJobs } from './jobs.js'
import { openPlan } from './open-plan.js'
import type { VerifyOptions } from './options.js'
import { openReporting } from './reporting.js'
import { secretsOf, withoutSources } from './secrets.js'
import { openState } from './state.js'
import { StopSignals } from './stop-signals.js'
import { type Streams, usesColour } from './streams.js'

/** `popferry verify`: reads back what is stored, and changes nothing. Holds the state, so that no run works meanwhile. */
export async function verify(file: string, options: VerifyOptions, streams: Streams): Promise<number> {
  using stop = new StopSignals()
  const opened = await openPlan(file, options, systemClock)
  const { plan, run } = opened
  const secrets = await secretsOf(
    opened,
    options.source ? opened.accounts : withoutSources(opened.accounts),
    stop.signal,
  )
  if (!secrets) return signalExitCode(stop.received)
  // Warnings and the protocol; a verification has results of its own.
  await using reporting = await openReporting({ ...options, dryRun: true }, streams, systemClock)
  const { emit } = reporting
  const transcript = options.verbose > 1
  const jobs = makeJobs(opened.accounts, { ...opened, clock: systemClock, emit, transcript, secrets })
  await using state = await openState(opened, 'inspect')
  const report = reportFor(options, streams)
  const migration = { ...plan, ...state, run, planFile: plan.file, jobs, clock: systemClock, emit, signal: stop.signal }
  const outcome = await verifyPlan({
    migration: { ...migration, dryRun: true },
    source: options.source,
    tell: (event) => {
      report.on(event)
    },
  })
  const exitCode = verifyExitCode(outcome, stop.received)
  report.finish({ exitCode, interrupted: outcome.interrupted, seconds: outcome.seconds })
  return exitCode
}

function reportFor(
  { json, quiet, color, progress }: VerifyOptions,
  { stdout, stderr }: Streams,
): ReturnType<typeof jsonVerification> {
  if (json) return jsonVerification(stdout, systemClock)
  const paint = painter(usesColour({ wanted: color, isTerminal: process.stdout.isTTY, env: process.env }))
  return plainVerification({
    stdout,
    paint,
    quiet,
    clock: systemClock,
    ...(progress && !quiet && { progress: stderr }),
  })
}
