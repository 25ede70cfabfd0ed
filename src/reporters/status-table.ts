import type { AccountStatus } from '../ports/ledger.js'
import { bytesText, numberText } from '../ports/figures.js'
import { printable } from './printable.js'
import { table } from './table.js'

/** What the ledger knows, for people: one line for each target. */
export function statusTable(accounts: readonly AccountStatus[]): string {
  return table([header, ...accounts.flatMap(rowsOf)], sides)
}

const header = ['ACCOUNT', 'TARGET', 'MESSAGES', 'SIZE', 'FAILED', 'LAST RUN'] as const
const sides = ['right', 'right', 'left', 'left', 'left', 'right'] as const

function rowsOf({ account, targets, lastRun }: AccountStatus): readonly (readonly string[])[] {
  const name = printable(account)
  const last = lastRun ? `${dateText(lastRun.at)} ${printable(lastRun.status)}` : 'never'
  if (targets.length === 0) return [[name, '-', '0', bytesText(0), '0', last]]
  return targets.map(({ target, messages, bytes, failed }) => [
    name,
    printable(target),
    numberText(messages),
    bytesText(bytes),
    numberText(failed),
    last,
  ])
}

/** `2026-01-31 04:00 UTC` */
function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
