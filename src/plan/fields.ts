import { resolve } from 'node:path'
import type { SpecialField } from '../ports/kind.js'
import type { Findings } from './diagnostic.js'
import { hostName } from './host.js'
import type { Cell, Row } from './table.js'
import { nameColumn } from './table.js'
import type { Unfilled, Values } from './template.js'
import { fillTemplate, pathComponentProblem, placeholders } from './template.js'
import type { Leaf, Tree } from './tree.js'
import { replaceAt, textAt } from './tree.js'

/** What the special fields of one account are filled with. */
export interface Filling {
  /** {account} {user} {host} */
  readonly values: Values
  /** {date} {run} */
  readonly moment: Values
  readonly folder: string
  readonly findings: Findings
  /** Where the account stands: a template in the defaults goes wrong for some accounts only. */
  readonly owner: number
  /** Of an account that comes from a table. */
  readonly row?: Row | undefined
}

/** Fills in what a kind calls special; a path with {date} or {run} also gives the series that it belongs to. */
export function fillFields(
  settings: Tree,
  fields: readonly SpecialField[],
  filling: Filling,
): { readonly tree: Tree; readonly series: string | undefined } {
  let series: string | undefined
  let tree = settings
  for (const { key, form } of fields) {
    if (form === 'secret') continue
    tree = replaceAt(tree, key.split('.'), (value) => {
      if (form === 'file') return resolvePath(value, filling)
      if (form === 'template-path') {
        series ??= seriesOf(value, filling)
        return resolvePath(fillPath(value, filling), filling)
      }
      const filled = fillText(value, filling.values, filling)
      return key === 'host' ? normalHost(filled, filling.findings) : filled
    })
  }
  return { tree, series }
}

/** Fills a text's placeholders. What is found wrong with it later is told of the cell that it was filled from. */
export function fillText(value: Tree, values: Values, { findings, row }: Pick<Filling, 'findings' | 'row'>): Tree {
  if (!isText(value)) return value
  const filled = fillTemplate(value.value, values)
  if (!('text' in filled)) {
    findings.add(value.at, filled.problem, filled.hint)
    return value
  }
  const [cell] = placeholders(value.value).flatMap((name) => cellOf(name, row) ?? [])
  return { ...value, value: filled.text, ...(cell && { at: cell.at }) }
}

/** Brings a host name into its one form. */
export function normalHost(value: Tree, findings: Findings): Tree {
  if (!isText(value) || findings.has(value.at)) return value
  const host = hostName(value.value)
  if ('name' in host) return { ...value, value: host.name }
  findings.add(value.at, host.problem)
  return value
}

/** Makes a path absolute. */
export function resolvePath(value: Tree, { folder, findings }: Pick<Filling, 'folder' | 'findings'>): Tree {
  if (!isText(value) || findings.has(value.at)) return value
  const problem = pathProblem(value.value)
  if (problem === undefined) return { ...value, value: resolve(folder, value.value) }
  findings.add(value.at, problem)
  return value
}

export function pathProblem(path: string): string | undefined {
  if (/^~[^/\\]*([/\\]|$)/.test(path))
    return 'expected a path without ~: no shell expands it here, write the whole path'
  return path === '' ? 'expected a path' : undefined
}

function fillPath(value: Tree, filling: Filling): Tree {
  if (!isText(value)) return value
  const filled = fillTemplate(value.value, new Map([...filling.values, ...filling.moment]), pathComponentProblem)
  if ('text' in filled) return { ...value, value: filled.text }
  complain(filled, value.at, filling)
  return value
}

/** Tells what is wrong with a template at `at`: of a value, at the cell that it is from, or with the account that has it. */
export function complain({ problem, hint, name }: Unfilled, at: number, { findings, owner, row }: Filling): void {
  if (name === undefined) {
    findings.add(at, problem, hint)
    return
  }
  const cell = cellOf(name, row)
  if (cell) findings.add(cell.at, `${problem} (in the template at ${findings.lineOf(at, cell.at)})`)
  else findings.add(at, `${problem} (account at ${findings.lineOf(owner, at)})`)
}

/** The cell that a placeholder stands for. */
function cellOf(placeholder: string, row: Row | undefined): Cell | undefined {
  return row?.get(placeholder === 'account' ? nameColumn : placeholder)
}

/** The path with {date} and {run} left open, if it has one of them: the same for every run. */
function seriesOf(value: Tree, { values, moment, folder }: Filling): string | undefined {
  const template = textAt(value)
  if (template === undefined) return undefined
  const open = new Map([...moment.keys()].map((name) => [name, `{${name}}`]))
  if (![...open.values()].some((placeholder) => template.includes(placeholder))) return undefined
  const filled = fillTemplate(template, new Map([...values, ...open]))
  return 'text' in filled ? resolve(folder, filled.text) : undefined
}

function isText(value: Tree): value is Leaf & { readonly value: string } {
  return value.kind === 'leaf' && typeof value.value === 'string'
}
