import { openLedger } from '../src/ledgers/sqlite.js'
import type { AccountStatus } from '../src/ports/ledger.js'
import { jsonLine } from '../src/reporters/json.js'
import { statusTable } from '../src/reporters/status-table.js'
import { systemClock } from './clock.js'
import { exitCodes } from './exit-code.js'
import { openPlan } from './open-plan.js'
import type { CommonOptions } from './options.js'
import type { Streams } from './streams.js'

/** `popferry status`: what the ledger knows. Takes no lock, so it works beside a run. */
export async function status(file: string, options: CommonOptions, { stdout }: Streams): Promise<number> {
  const { accounts, stateFolder } = await openPlan(file, options, systemClock)
  await using ledger = await openLedger({ folder: stateFolder, readOnly: true, clock: systemClock })
  const recorded = new Map((await ledger.status()).map((row) => [row.account, row]))
  const planned = accounts.map(
    ({ name, previously }) => recorded.get(name) ?? recorded.get(previously ?? '') ?? never(name),
  )
  // Without a selection also what is no longer in the plan.
  const names = new Set(planned.map(({ account }) => account))
  const former = options.account.length > 0 ? [] : [...recorded.values()].filter(({ account }) => !names.has(account))
  const rows = [...planned, ...former]
  if (options.json) {
    for (const row of rows) stdout.write(jsonLine('status.account', fieldsOf(row), systemClock))
    stdout.write(jsonLine('status.finished', { exitCode: exitCodes.done }, systemClock))
  } else {
    stdout.write(statusTable(rows))
  }
  return exitCodes.done
}

function never(account: string): AccountStatus {
  return { account, targets: [], lastRun: undefined }
}

function fieldsOf({ account, targets, lastRun }: AccountStatus): object {
  return { account, targets, lastRun: lastRun ? { ...lastRun, at: new Date(lastRun.at).toISOString() } : null }
}
