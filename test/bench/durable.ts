import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { judge, traceTo, type Verdict } from '../support/sync-trace.js'
import { type ContestantName, contestants, type Job } from './contestants.js'
import { runIn } from './measure.js'
import type { Program } from './programs.js'

/** Runs a program under strace, and judges the order of what it wrote, synced and renamed. */
export async function traced(job: Job, name: ContestantName, strace: Program): Promise<Verdict> {
  const { args, environment } = await contestants[name].prepare(job)
  const trace = join(job.folder, 'trace')
  await runIn(job.folder, {
    args: [strace.path, ...traceTo(trace), ...args],
    environment: { ...strace.environment, ...environment },
  })
  const ledger = name === 'popferry' ? { ledger: join(job.folder, 'migrate.state', 'ledger.db') } : {}
  return judge(await readFile(trace, 'utf8'), { target: join(job.folder, 'mail'), ...ledger })
}

/** For a line of the log. */
export function syncs({ files, folders, ledger }: Verdict): string {
  return `${files} syncs of files of the target, ${folders} of its folders, ${ledger} of the ledger`
}
