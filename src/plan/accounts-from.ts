import { isAbsolute, join, resolve } from 'node:path'
import type { Findings } from './diagnostic.js'
import { pathProblem } from './fields.js'
import { alternatives } from './nearest.js'
import type { Row, Table } from './table.js'
import { nameColumn, readTable } from './table.js'
import { placeholders } from './template.js'
import type { Leaf, MapTree, Tree } from './tree.js'
import { lookUp, textAt } from './tree.js'

/** An account as a row of the table gives it. */
export interface RowAccount {
  readonly own: Tree
  readonly row: Row
}

interface TableContext {
  /** The plan's folder, and how it is shown. */
  readonly folder: string
  readonly shownFolder: string
  readonly findings: Findings
  /** Names of placeholders that are no columns. */
  readonly reserved: readonly string[]
  /** Reads a whole file; throws what `node:fs` throws. */
  readFile(path: string): Uint8Array
}

/** The rows of `accountsFrom`, if the plan has it, as what stands under `accounts` otherwise. */
export function accountsFrom(plan: Tree, context: TableContext): readonly RowAccount[] {
  const from = lookUp(plan, ['accountsFrom'])
  const csv = lookUp(from, ['csv'])
  if (!from || csv?.kind !== 'leaf' || typeof csv.value !== 'string' || csv.value === '') return []
  const table = openTable(csv.value, csv.at, context)
  if (!table) return []
  checkTemplates(lookUp(plan, ['defaults']), table, context)
  return table.rows.map((row) => ({ own: rowTree(row, from.at, context.findings), row }))
}

function openTable(path: string, at: number, context: TableContext): Table | undefined {
  const { folder, shownFolder, findings } = context
  const problem = pathProblem(path)
  if (problem !== undefined) {
    findings.add(at, problem)
    return undefined
  }
  let bytes: Uint8Array
  try {
    bytes = context.readFile(resolve(folder, path))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    findings.add(at, `expected a table in this file: it cannot be read (${code})`)
    return undefined
  }
  return readTable(bytes, isAbsolute(path) ? path : join(shownFolder, path), findings)
}

/** The keys of an account that a row gives; everything else comes from the defaults by template. */
const rowKeys = [nameColumn, 'previously']

function rowTree(row: Row, owner: number, findings: Findings): MapTree {
  const cells = rowKeys.flatMap((key) => {
    const cell = row.get(key)
    if (cell?.value === '' && key === nameColumn) findings.add(cell.at, 'expected a name for this account')
    if (!cell || cell.value === '') return []
    const value: Leaf = { kind: 'leaf', at: cell.at, value: cell.value, cutByComment: false }
    return [[key, { keyAt: cell.at, value }] as const]
  })
  // What is missing is missing in the defaults, once for all rows.
  return { kind: 'map', at: row.get(nameColumn)?.at ?? owner, owner, entries: new Map(cells) }
}

/** What is wrong with a placeholder in every row: it would show a secret, or could mean two things. */
function checkTemplates(defaults: Tree | undefined, { columns }: Table, { findings, reserved }: TableContext): void {
  const secret = new Set(secretColumns(defaults))
  for (const { at, value } of texts(defaults)) {
    for (const name of placeholders(value)) {
      if (secret.has(name)) findings.add(at, 'a column that holds a secret cannot be filled in here: it would show')
      else if (columns.includes(name) && reserved.includes(name)) {
        findings.add(
          at,
          `{${name}} is also a column of the table: call the column otherwise (it cannot be ${alternatives(reserved)})`,
        )
      }
    }
  }
}

/** Columns named by `{ column: C }`. */
function secretColumns(tree: Tree | undefined): readonly string[] {
  if (tree?.kind === 'list') return tree.items.flatMap(secretColumns)
  if (tree?.kind !== 'map') return []
  const column = tree.entries.size === 1 ? textAt(tree, 'column') : undefined
  if (column !== undefined) return [column]
  return [...tree.entries.values()].flatMap(({ value }) => secretColumns(value))
}

function texts(tree: Tree | undefined): readonly (Leaf & { readonly value: string })[] {
  if (tree?.kind === 'list') return tree.items.flatMap(texts)
  if (tree?.kind === 'map') return [...tree.entries.values()].flatMap(({ value }) => texts(value))
  return tree && typeof tree.value === 'string' ? [{ ...tree, value: tree.value }] : []
}
