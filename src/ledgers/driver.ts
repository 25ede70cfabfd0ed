import { Fault } from '../ports/fault.js'

export type Value = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

/** A prepared statement. */
export interface Statement {
  run(...values: Value[]): unknown
  all(...values: Value[]): Row[]
}

/** The part of SQLite that the ledger needs; every call blocks until it is done. */
export interface Database {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): unknown
}

export type DriverName = 'node' | 'libsql'

interface OpenOptions {
  readonly readOnly: boolean
  /** Default: node:sqlite where the runtime has it, else libsql. */
  readonly driver?: DriverName | undefined
}

/** Opens a database file, or `:memory:`. Never waits for a lock: the caller retries, the event loop stays free. */
export async function openDatabase(file: string, options: OpenOptions): Promise<Database> {
  const openers = options.driver === undefined ? [openWithNode, openWithLibsql] : [byName[options.driver]]
  for (const open of openers) {
    const database = await open(file, options.readOnly)
    if (database) return database
  }
  throw new Fault('state-failed', 'this Node.js has no SQLite and the package libsql is missing', {
    hint: 'use Node.js 22.13 or newer, or reinstall popferry with its optional dependencies',
  })
}

type Opener = (file: string, readOnly: boolean) => Promise<Database | undefined>

const openWithNode: Opener = async (file, readOnly) => {
  const module = await importNodeSqlite()
  return module && new module.DatabaseSync(file, { readOnly, enableForeignKeyConstraints: true })
}

const openWithLibsql: Opener = async (file, readOnly) => {
  const module = await importLibsql()
  return module && new LibsqlDatabase(new module.default(file, { timeout: 0 }), readOnly)
}

/** Evens out what libsql does differently (0.5.29, measured). */
class LibsqlDatabase implements Database {
  readonly #database: LibsqlHandle

  constructor(database: LibsqlHandle, readOnly: boolean) {
    this.#database = database
    // Its own `readonly` option is ignored.
    if (readOnly) database.exec('PRAGMA query_only = ON')
  }

  exec(sql: string): unknown {
    return this.#database.exec(sql)
  }

  prepare(sql: string): Statement {
    const statement = this.#database.prepare(sql)
    return {
      // As one array: a single blob or null would be taken for named parameters and abort the process.
      run: (...values) => statement.run(values),
      all: (...values) => statement.all(values).map(withViews),
    }
  }

  close(): unknown {
    return this.#database.close()
  }
}

/** Blobs come as ArrayBuffers. The row is nobody else's. */
function withViews(row: Record<string, Value | ArrayBuffer>): Row {
  for (const name in row) {
    const value = row[name]
    if (value instanceof ArrayBuffer) row[name] = new Uint8Array(value)
  }
  return row as Row
}

const byName: Readonly<Record<DriverName, Opener>> = { node: openWithNode, libsql: openWithLibsql }

interface NodeSqlite {
  readonly DatabaseSync: new (file: string, options: object) => Database
}

interface Libsql {
  readonly default: new (file: string, options: object) => LibsqlHandle
}

interface LibsqlHandle {
  exec(sql: string): unknown
  prepare(sql: string): {
    run(values: readonly Value[]): unknown
    all(values: readonly Value[]): readonly Record<string, Value | ArrayBuffer>[]
  }
  close(): unknown
}

let nodeSqlite: Promise<NodeSqlite | undefined> | undefined

/** Undefined where the runtime has no node:sqlite, or only behind a flag. */
async function importNodeSqlite(): Promise<NodeSqlite | undefined> {
  // Once: two imports at a time would restore each other's silence.
  nodeSqlite ??= silently(async () => {
    const name = 'node:sqlite'
    return (await import(name)) as NodeSqlite
  }).catch(() => undefined)
  return nodeSqlite
}

/** Node 22 tells everybody that the module is experimental; that is our choice, not the user's business. */
async function silently<T>(work: () => Promise<T>): Promise<T> {
  const original = Reflect.get(process, 'emitWarning') as (warning: string | Error, ...rest: unknown[]) => void
  const quiet: typeof original = (warning, ...rest) => {
    if (!String(warning).includes('SQLite')) original.call(process, warning, ...rest)
  }
  Reflect.set(process, 'emitWarning', quiet)
  try {
    return await work()
  } finally {
    Reflect.set(process, 'emitWarning', original)
  }
}

async function importLibsql(): Promise<Libsql | undefined> {
  try {
    const name = 'libsql'
    return (await import(name)) as Libsql
  } catch {
    return undefined
  }
}

/** Another process holds a lock that passes. */
export function isBusy(error: unknown): boolean {
  return /database (?:table )?is locked|SQLITE_BUSY/i.test(describe(error))
}

/** What SQLite said, as a Fault of the run. */
export function ledgerFault(error: unknown, file: string): Fault {
  if (error instanceof Fault) return error
  const text = describe(error)
  if (/malformed|not a database|SQLITE_CORRUPT|SQLITE_NOTADB/i.test(text)) {
    return new Fault('ledger-damaged', `${file} is damaged: ${text}`, { cause: error })
  }
  if (/disk is full|SQLITE_FULL|ENOSPC/i.test(text)) {
    return new Fault('state-failed', `the disk of ${file} is full`, { cause: error })
  }
  return new Fault('state-failed', `${file}: ${text}`, { cause: error })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? `${error.message} (${error.code})` : error.message
}
