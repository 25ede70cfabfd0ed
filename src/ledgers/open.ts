import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, makeDirectory, syncDirectory } from '../files/durable.js'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import { type Database, type DriverName, ledgerFault, openDatabase } from './driver.js'
import { migrateLedger, seeAsNewest } from './migrate.js'
import { breakSeal, isSealed } from './seal.js'
import { applicationId, schema, schemaVersion } from './schema.js'
import { retryWhileBusy } from './busy.js'
import { transaction } from './transaction.js'

export interface LedgerFile {
  /** The state folder; the ledger is `ledger.db` in it. */
  readonly folder: string
  /** Looks only: a ledger that does not exist is an empty one, and nothing is created. */
  readonly readOnly: boolean
  readonly clock: Clock
  readonly driver?: DriverName
}

/** Opens or creates the database and makes sure that it is a sound ledger of this version. */
export async function openLedgerDatabase(options: LedgerFile): Promise<Database> {
  const { folder, readOnly, clock, driver } = options
  const file = join(folder, 'ledger.db')
  try {
    let size = await sizeOf(file)
    if (size === undefined) {
      if (readOnly) return await emptyDatabase(driver)
      await create(file, options)
      size = (await sizeOf(file)) ?? 0
    }
    // SQLite would take it for a new database.
    if (size < smallestDatabase) throw new Fault('ledger-damaged', `${file} is cut off: it has ${size} bytes`)
    const sealed = await isSealed(file)
    // A journal that a killed run left must be rolled back, which a read-only connection cannot do.
    const hot = ((await sizeOf(`${file}-journal`)) ?? 0) > 0
    const database = await openDatabase(file, { readOnly: readOnly && !hot, driver })
    try {
      const check = hot || (!sealed && size <= checkLimit)
      const version = await retryWhileBusy(clock, () => prepare(database, file, { readOnly, check }))
      if (!readOnly) await breakSeal(file)
      if (version < schemaVersion) {
        if (readOnly) seeAsNewest(database, version)
        else await migrateLedger(database, { folder, version, clock })
      }
      return database
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw ledgerFault(error, file)
  }
}

/** One page. */
const smallestDatabase = 512
/** A larger file without a seal is read through only where its journal shows a crash. */
const checkLimit = 32 * 1024 * 1024

async function emptyDatabase(driver: DriverName | undefined): Promise<Database> {
  const database = await openDatabase(':memory:', { readOnly: false, driver })
  database.exec(schema)
  return database
}

/**
 * A new ledger appears complete or not at all: an empty file would look like a ledger that lost everything. SQLite gives
 * its journal the mode of the database, so that everything stays private.
 */
async function create(file: string, { folder, driver }: LedgerFile): Promise<void> {
  await makeDirectory(folder, 0o700)
  const draft = `${file}.new`
  for (const left of [draft, `${draft}-journal`]) await rm(left, { force: true })
  await (await open(draft, 'wx', 0o600)).close()
  const database = await openDatabase(draft, { readOnly: false, driver })
  try {
    database.exec('PRAGMA synchronous = FULL')
    transaction(database, 'immediate', () => database.exec(schema))
  } finally {
    database.close()
  }
  // What stands there is of another one.
  await breakSeal(file)
  await rename(draft, file)
  await syncDirectory(folder)
}

/** Returns the version of the ledger's schema. */
function prepare(database: Database, file: string, options: { readOnly: boolean; check: boolean }): number {
  // Each commit is on the disk when it returns; the journal file stays, which saves a sync of the folder.
  if (!options.readOnly) database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL')
  database.exec('PRAGMA foreign_keys = ON')
  return transaction(database, 'read', () => requireSound(database, file, options))
}

function requireSound(database: Database, file: string, options: { readOnly: boolean; check: boolean }): number {
  const version = Number(database.prepare('PRAGMA user_version').all()[0]?.['user_version'])
  if (version > schemaVersion) {
    throw new Fault(
      'ledger-newer',
      `${file} was written by a newer popferry (schema ${version}, known ${schemaVersion})`,
    )
  }
  const application = Number(database.prepare('PRAGMA application_id').all()[0]?.['application_id'])
  if (version < 1 || application !== applicationId) {
    throw new Fault('ledger-damaged', `${file} is a database, but not a ledger of popferry`)
  }
  if (!options.check) return version
  // The quick one does not compare the index of the keys with the receipts. Meanwhile nobody can write: whoever only looks
  // must not end a run by it.
  const pragma = options.readOnly ? 'quick_check' : 'integrity_check'
  const verdict = database.prepare(`PRAGMA ${pragma}(1)`).all()[0]?.[pragma]
  if (verdict !== 'ok') throw new Fault('ledger-damaged', `${file} is damaged: ${String(verdict)}`)
  return version
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
