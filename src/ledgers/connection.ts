import type { Clock } from '../ports/clock.js'
import { retryWhileBusy } from './busy.js'
import { Fault } from '../ports/fault.js'
import { type Database, isBusy, ledgerFault, type Row, type Statement, type Value } from './driver.js'
import { transaction } from './transaction.js'

/** One open database: prepared statements, and reads and writes as whole transactions that wait politely. */
export class Connection {
  readonly #database: Database
  readonly #file: string
  readonly #clock: Clock
  readonly #statements = new Map<string, Statement>()
  readonly #readOnly: boolean
  #closed = false
  /** After a failed write nobody knows what is on the disk, nor where it was found damaged: nothing more is written. */
  #broken: unknown

  constructor(database: Database, { file, clock, readOnly }: ConnectionOptions) {
    this.#database = database
    this.#file = file
    this.#clock = clock
    this.#readOnly = readOnly
  }

  all(sql: string, ...values: Value[]): readonly Row[] {
    return this.#statement(sql).all(...values)
  }

  run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values)
  }

  /** Several statements without values. */
  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /** `work` sees one state of the ledger, and must be short. */
  async read<T>(work: () => T): Promise<T> {
    return this.#guarded(() => transaction(this.#database, 'read', work))
  }

  /** Durable when it resolves; otherwise nothing of it is there. */
  async write(work: () => void): Promise<void> {
    if (this.#readOnly) throw new TypeError('the ledger was opened for reading')
    if (this.#broken !== undefined) throw ledgerFault(this.#broken, this.#file)
    try {
      await this.#guarded(() => {
        transaction(this.#database, 'immediate', work)
      })
    } catch (error) {
      // A call that could not succeed (an unknown account) says nothing about the disk.
      if (error instanceof Fault) this.#broken = error
      throw error
    }
  }

  /** Everything that was to be written is on the disk, as far as anybody knows. */
  get sound(): boolean {
    return this.#broken === undefined
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#statements.clear()
    this.#database.close()
  }

  async #guarded<T>(work: () => T): Promise<T> {
    try {
      return await retryWhileBusy(this.#clock, work)
    } catch (error) {
      if (!isBusy(error) && !isSqlite(error)) throw error
      const fault = ledgerFault(error, this.#file)
      // What a read has met is no better for being left as it is.
      if (fault.code === 'ledger-damaged') this.#broken = fault
      throw fault
    }
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

export interface ConnectionOptions {
  /** For error messages. */
  readonly file: string
  readonly clock: Clock
  readonly readOnly: boolean
}

/** Both drivers give their errors a code; an error without one is a bug of ours. */
function isSqlite(error: unknown): boolean {
  return error instanceof Error && 'code' in error
}
