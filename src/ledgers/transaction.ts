import type { Database } from './driver.js'

/** `immediate` takes the writer's lock at once. */
export type TransactionMode = 'read' | 'immediate'

/**
 * Runs `work` in a transaction; a throw rolls it back. The first lock is taken by `exec`, which cleans up behind itself:
 * a prepared statement of libsql that meets a lock is not reset and then holds its own lock for ever (measured).
 */
export function transaction<T>(database: Database, mode: TransactionMode, work: () => T): T {
  try {
    database.exec(mode === 'read' ? 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1' : 'BEGIN IMMEDIATE')
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    rollback(database)
    throw error
  }
}

function rollback(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // The transaction never began, or SQLite has rolled back by itself, as it does when the disk is full.
  }
}
