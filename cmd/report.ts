import { openQuarantine } from '../src/files/quarantine.js'
import { join } from 'node:path'
import { openLedger } from '../src/ledgers/sqlite.js'
import { countText } from '../src/ports/figures.js'
import { jsonLine } from '../src/reporters/json.js'
import { printable } from '../src/reporters/printable.js'
import { verdictText } from '../src/reporters/report-words.js'
import { systemClock } from './clock.js'
import { exitCodes } from './exit-code.js'
import { openPlan } from './open-plan.js'
import type { ReportOptions } from './options.js'
import { reportFile, writeReport } from './report-file.js'
import { heldState } from './state.js'
import type { Streams } from './streams.js'

/** `popferry report`: what the ledger knows, as one page. Takes no lock, so it works beside a run; contacts nobody. */
export async function report(file: string, options: ReportOptions, { stdout }: Streams): Promise<number> {
  const output = await reportFile('--output', options.output)
  const opened = await openPlan(file, options, systemClock)
  const { stateFolder } = opened
  const working = await heldState(opened)
  await using ledger = await openLedger({ folder: stateFolder, readOnly: true, clock: systemClock })
  const quarantine = openQuarantine(join(stateFolder, 'quarantine'), systemClock)
  const written = await writeReport(output, { opened, options, ledger, quarantine, clock: systemClock, working })
  const { verdict, totals } = written
  const exitCode = exitCodes.done
  if (options.json) {
    stdout.write(jsonLine('report.finished', { exitCode, output: output.path, verdict, ...totals }, systemClock))
  } else if (!options.quiet) {
    const sums = `${countText(totals.accounts, 'account')}, ${countText(totals.stored.messages, 'message')} stored`
    stdout.write(`${verdictText(written)} ${sums}. Written to ${printable(output.path, 1000)}\n`)
  }
  return exitCode
}
