import type { AccountMemory } from '../ports/ledger.js'
import type { Connection } from './connection.js'

/** See Ledger.recall; inside a transaction. */
export function recallAccount(connection: Connection, account: string): AccountMemory {
  const [row] = connection.all('SELECT memory FROM accounts WHERE name = ?', account)
  return { ...nothing, ...(row && (JSON.parse(String(row['memory'])) as Partial<AccountMemory>)) }
}

/** See Ledger.remember; inside a transaction. */
export function rememberAccount(connection: Connection, account: string, learnt: Partial<AccountMemory>): void {
  const memory = JSON.stringify({ ...recallAccount(connection, account), ...learnt })
  connection.run('UPDATE accounts SET memory = ? WHERE name = ?', memory, account)
}

const nothing: AccountMemory = { windowed: false, unsettled: false }
