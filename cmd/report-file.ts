import { lstat, stat } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { report, type ReportOrder } from '../src/app/report.js'
import { diskFault, errorCode } from '../src/files/durable.js'
import { replaceFile } from '../src/files/replace-file.js'
import { Scratch } from '../src/files/scratch.js'
import { headerText } from '../src/mail/words.js'
import type { Clock } from '../src/ports/clock.js'
import { Fault } from '../src/ports/fault.js'
import type { Ledger } from '../src/ports/ledger.js'
import type { QuarantineFolder } from '../src/ports/quarantine.js'
import type { Report, ReportForm } from '../src/ports/report.js'
import { htmlReport } from '../src/reporters/report-html.js'
import { jsonReport } from '../src/reporters/report-json.js'
import type { OpenedPlan } from './open-plan.js'
import type { CommonOptions } from './options.js'
import { Refusal } from './refusal.js'
import { packageVersion } from './version.js'

/** A file that a report can be written to. */
export interface ReportFile {
  readonly path: string
  readonly form: ReportForm
}

/** Where a report goes. Throws a Refusal where that cannot be, before anything was done. */
export async function reportFile(option: string, file: string): Promise<ReportFile> {
  const form = forms.get(extname(file).toLowerCase())
  if (!form) throw new Refusal([`${option}: expected a file that ends in .html or .json, found ${file}`])
  const path = resolve(file)
  const folder = await stat(dirname(path)).catch(unknown)
  if (folder?.isDirectory() !== true) throw new Refusal([`${option}: there is no folder ${dirname(path)}`])
  const before = await lstat(path).catch(unknown)
  if (before && !before.isFile() && !before.isSymbolicLink()) {
    throw new Refusal([`${option}: ${path} is there and is not a file`])
  }
  return { path, form }
}

const forms: ReadonlyMap<string, ReportForm> = new Map([
  ['.html', htmlReport],
  ['.json', jsonReport],
])

function unknown(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(errorCode(error))) throw error
}

/** What a report is made of. */
export interface Recorded {
  readonly opened: OpenedPlan
  readonly options: Pick<CommonOptions, 'account'>
  readonly ledger: Ledger
  readonly quarantine: QuarantineFolder
  readonly clock: Clock
  /** Who works in the state, if anybody does. */
  readonly working?: Fault | undefined
  /** How long it may take. */
  readonly patienceMs?: number | undefined
}

/** Writes what the ledger knows to its file, which is durable and whole when this resolves, or as it was before. */
export async function writeReport({ path, form }: ReportFile, recorded: Recorded): Promise<Report> {
  const { opened, options, ledger, quarantine, clock, working, patienceMs = Infinity } = recorded
  const deadline = clock.monotonic() + patienceMs
  try {
    await using draft = await Scratch.in(dirname(path))
    const order: ReportOrder = {
      ledger,
      planned: opened.accounts,
      former: options.account.length === 0,
      at: clock.now(),
      version: packageVersion(),
      plan: opened.plan.file,
      ...(working && { working: working.message }),
      form,
      draft,
      subjectOf: async (name) => subjectIn(quarantine, name),
      proceed: () => {
        if (clock.monotonic() > deadline) throw new Fault('timeout', outOfTime)
      },
    }
    const written = await report(order)
    await replaceFile(path, pieces(form, written, draft), clock)
    return written
  } catch (error) {
    // Anything else is no matter of the disk.
    throw error instanceof Error && 'syscall' in error ? diskFault(error, 'write', path) : error
  }
}

const outOfTime = 'the run was stopped, and there is no time for so long a report: `popferry report` writes it'

async function* pieces(form: ReportForm, written: Report, draft: Scratch): AsyncIterable<Uint8Array> {
  for (const text of form.before(written)) yield Buffer.from(text)
  yield* draft.read()
  yield Buffer.from(form.after())
}

/** Of a message that lies in the quarantine; undefined where its file cannot be read. */
async function subjectIn(quarantine: QuarantineFolder, name: string): Promise<string | undefined> {
  try {
    for await (const start of quarantine.open(name)) return headerText(headerOf(start), 'subject')
  } catch {
    // The message is named all the same.
  }
  return undefined
}

/** As much of the header as the first piece of the file has. */
function headerOf(start: Uint8Array): Uint8Array {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  const ends = ['\n\n', '\n\r\n'].map((end) => bytes.indexOf(end)).filter((end) => end >= 0)
  return bytes.subarray(0, Math.min(bytes.length, ...ends.map((end) => end + 1)))
}
