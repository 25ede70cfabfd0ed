import { resolve } from 'node:path'
import { Secret } from '../ports/secret.js'
import type { Place } from './diagnostic.js'
import type { Filling } from './fields.js'
import { pathProblem } from './fields.js'
import type { SecretSetting } from './schema.js'
import { readSecretSetting } from './schema.js'
import { fillTemplate } from './template.js'
import type { Tree } from './tree.js'
import { plainValue } from './tree.js'
import { splitWords } from './words.js'

/** Where a secret comes from. `place` is where the plan says so. */
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
    const problem = secretTextProblem(setting)
    if (problem !== undefined) findings.add(tree.at, `expected a secret of one line: it ${problem}`)
    return { place, form: 'text', secret: new Secret(setting) }
  }
  if ('env' in setting) return { place, form: 'env', variable: setting.env }
  if ('file' in setting) {
    const problem = pathProblem(setting.file)
    if (problem !== undefined) findings.add(tree.at, problem)
    return { place, form: 'file', path: resolve(folder, setting.file) }
  }
  if ('prompt' in setting) return { place, form: 'prompt' }
  const words = commandWords(setting.command, tree.at, filling)
  return words && { place, form: 'command', words, folder }
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
  { values, findings }: Filling,
): readonly [string, ...string[]] | undefined {
  const words = typeof command === 'string' ? splitWords(command) : command
  if (!words) {
    findings.add(at, 'a quote or backslash in this command is not closed')
    return undefined
  }
  const [program, ...others] = words.map((word) => {
    const filled = fillTemplate(word, values)
    if ('text' in filled) return filled.text
    findings.add(at, filled.problem, filled.hint)
    return ''
  })
  if (program !== undefined && program !== '') return [program, ...others]
  if (!findings.has(at)) findings.add(at, 'expected a command that begins with the name of a program')
  return undefined
}
