import { resolve } from 'node:path'
import { Secret } from '../ports/secret.js'
import type { Findings, Place } from './diagnostic.js'
import type { Filling } from './fields.js'
import { complain, pathProblem } from './fields.js'
import { alternatives, nearestHint } from './nearest.js'
import type { SecretSetting } from './schema.js'
import { readSecretSetting } from './schema.js'
import type { Row } from './table.js'
import { fillTemplate, placeholders } from './template.js'
import type { Tree } from './tree.js'
import { plainValue } from './tree.js'
import { splitWords } from './words.js'

/** Where a secret comes from. `place` is where the plan says so, of a `text` where it stands. */
export type SecretSpec = { readonly place: Place } & (
  | { readonly form: 'text'; readonly secret: Secret }
  | { readonly form: 'env'; readonly variable: string }
  | { readonly form: 'file'; readonly path: string }
  /** Runs in the plan's folder. */
  | { readonly form: 'command'; readonly words: readonly [string, ...string[]]; readonly folder: string }
  | { readonly form: 'prompt' }
)

/** The spec of the secret under a key; undefined where the schema or the findings have something to say about it. */
export function secretSpec(tree: Tree, filling: Filling): SecretSpec | undefined {
  const { folder, findings } = filling
  if (tree.kind === 'leaf' && tree.cutByComment) {
    findings.add(
      tree.at,
      'a comment follows this unquoted secret: put the secret in quotes, with the # if it belongs to it',
    )
  }
  const setting = readSecretSetting(plainValue(tree))
  const place = findings.place(tree.at)
  if (setting === undefined) return undefined
  if (typeof setting === 'string') {
    if (filling.row && isColumn(setting, filling.row))
      findings.add(tree.at, 'a secret is no template', 'write { column: … }')
    return textSecret(setting, tree.at, findings)
  }
  if ('env' in setting) return { place, form: 'env', variable: setting.env }
  if ('file' in setting) {
    const problem = pathProblem(setting.file)
    if (problem !== undefined) findings.add(tree.at, problem)
    return { place, form: 'file', path: resolve(folder, setting.file) }
  }
  if ('column' in setting) return cellSecret(setting.column, tree.at, filling)
  if ('prompt' in setting) return { place, form: 'prompt' }
  const words = commandWords(setting.command, tree.at, filling)
  return words && { place, form: 'command', words, folder }
}

function textSecret(text: string, at: number, findings: Findings): SecretSpec {
  const problem = secretTextProblem(text)
  if (problem !== undefined) findings.add(at, `expected a secret of one line: it ${problem}`)
  return { place: findings.place(at), form: 'text', secret: new Secret(text) }
}

/** `{password}`, quoted, where a table has that column. */
function isColumn(text: string, row: Row): boolean {
  const [name, ...others] = placeholders(text)
  return name !== undefined && others.length === 0 && text === `{${name}}` && row.has(name)
}

function cellSecret(column: string, at: number, { row, findings }: Filling): SecretSpec | undefined {
  const cell = row?.get(column)
  if (cell) {
    if (cell.value !== '') return textSecret(cell.value, cell.at, findings)
    findings.add(cell.at, 'expected a secret: this field is empty')
  } else if (row) {
    findings.add(
      at,
      `expected a column of the table: ${alternatives([...row.keys()])}`,
      nearestHint(column, [...row.keys()]),
    )
  } else {
    findings.add(at, 'only accounts of a table (`accountsFrom`) have columns')
  }
  return undefined
}

/** What no server can take as a password: the bytes that end a line or a text (QUIRKS AUT-12). */
export function secretTextProblem(text: string): string | undefined {
  if (/[\r\n]/.test(text)) return 'has more than one line'
  return text.includes('\0') ? 'contains a NUL' : undefined
}

/** Split first, filled afterwards: a value is never taken apart. */
function commandWords(
  command: Extract<SecretSetting, { command: unknown }>['command'],
  at: number,
  filling: Filling,
): readonly [string, ...string[]] | undefined {
  const { findings } = filling
  const words = typeof command === 'string' ? splitWords(command) : command
  if (!words) {
    findings.add(at, 'a quote or backslash in this command is not closed')
    return undefined
  }
  const [program, ...others] = words.map((word) => {
    // No program can be given a NUL.
    const filled = fillTemplate(word, filling.values, (value) =>
      value.includes('\0') ? 'it contains a NUL' : undefined,
    )
    if ('text' in filled) return filled.text
    complain(filled, at, filling)
    return ''
  })
  if (program !== undefined && program !== '') return [program, ...others]
  if (!findings.has(at)) findings.add(at, 'expected a command that begins with the name of a program')
  return undefined
}
