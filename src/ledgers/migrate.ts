import { constants } from 'node:fs'
import { copyFile, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../files/durable.js'
import type { Clock } from '../ports/clock.js'
import { retryWhileBusy } from './busy.js'
import type { Database } from './driver.js'
import { migrations, schemaVersion, views } from './schema.js'
import { transaction } from './transaction.js'

interface OldLedger {
  /** Where `ledger.db` is; the caller holds the lock of the state. */
  readonly folder: string
  readonly version: number
  readonly clock: Clock
}

/**
 * Brings an older ledger to the newest version, all at once or not at all. A copy of what it was stays beside it, whole
 * and durable before anything is changed: `ledger.db.version-1`.
 */
export async function migrateLedger(database: Database, { folder, version, clock }: OldLedger): Promise<void> {
  const copy = join(folder, `ledger.db.version-${version}`)
  const draft = `${copy}.new`
  await rm(draft, { force: true })
  // The journal is empty: whoever opened the ledger has rolled back what a killed run left.
  await copyFile(join(folder, 'ledger.db'), draft, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  const file = await open(draft, 'r+')
  try {
    await file.chmod(0o600)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, copy)
  await syncDirectory(folder)
  await retryWhileBusy(clock, () => {
    transaction(database, 'immediate', () => {
      for (let from = version; from < schemaVersion; from++) database.exec(migrations[from] ?? '')
    })
  })
}

/** Shows an older ledger as one of the newest version, and leaves it as it is. */
export function seeAsNewest(database: Database, version: number): void {
  // What is temporary counts as a change as well.
  database.exec('PRAGMA query_only = OFF')
  database.exec(views[version] ?? '')
  database.exec('PRAGMA query_only = ON')
}
