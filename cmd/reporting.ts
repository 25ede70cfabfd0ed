import type { Clock } from '../src/ports/clock.js'
import type { Emit, Reporter } from '../src/ports/event.js'
import { jsonReporter } from '../src/reporters/json.js'
import { logReporter, transcriptReporter } from '../src/reporters/log.js'
import { plainProgress } from '../src/reporters/plain.js'
import { painter } from '../src/reporters/style.js'
import { summaryReporter } from '../src/reporters/summary.js'
import type { CommonOptions, RunOptions } from './options.js'
import { type Streams, usesColour } from './streams.js'

type Reported = CommonOptions & Pick<RunOptions, 'dryRun'>

/** All that is told of one run. */
export interface Reporting extends AsyncDisposable {
  readonly emit: Emit
}

/** Chooses the reporters that the options and the streams ask for. */
export async function openReporting(options: Reported, streams: Streams, clock: Clock): Promise<Reporting> {
  const reporters = options.json
    ? machineReporters(options, streams, clock)
    : await humanReporters(options, streams, clock)
  return {
    emit: (event) => {
      for (const reporter of reporters) reporter.on(event)
    },
    async [Symbol.asyncDispose]() {
      for (const reporter of reporters) await reporter[Symbol.asyncDispose]()
    },
  }
}

function machineReporters({ verbose }: Reported, { stdout, stderr }: Streams, clock: Clock): readonly Reporter[] {
  return [jsonReporter(stdout, clock), ...(verbose > 1 ? [transcriptReporter(stderr)] : [])]
}

async function humanReporters(options: Reported, streams: Streams, clock: Clock): Promise<readonly Reporter[]> {
  const { quiet, verbose, color: wanted, progress, dryRun } = options
  const { env } = process
  const paint = painter(usesColour({ wanted, isTerminal: process.stderr.isTTY, env }))
  const summaryPaint = painter(usesColour({ wanted, isTerminal: process.stdout.isTTY, env }))
  const log = { paint, quiet, verbosity: verbose }
  if (quiet) return [logReporter({ ...log, output: streams.stderr })]
  const summary = summaryReporter(streams.stdout, summaryPaint)
  // Bars and a transcript or a listing would overwrite each other.
  if (process.stderr.isTTY && env['TERM'] !== 'dumb' && progress && verbose < 2 && !dryRun) {
    const { TerminalBars } = await import('../src/reporters/terminal.js')
    const bars = new TerminalBars(process.stderr, clock)
    return [bars, logReporter({ ...log, output: bars }), summary]
  }
  const plain = progress ? [plainProgress(streams.stderr, clock)] : []
  return [...plain, logReporter({ ...log, output: streams.stderr }), summary]
}
