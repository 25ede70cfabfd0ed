import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Kind, Kinds } from '../ports/kind.js'
import type { Select } from '../ports/select.js'
import type { PreparedAccount, Surroundings } from './account.js'
import { prepareAccount } from './account.js'
import { accountsFrom } from './accounts-from.js'
import { checkAccounts } from './checks.js'
import type { Diagnostic, Findings } from './diagnostic.js'
import { readDocument } from './document.js'
import { resolvePath } from './fields.js'
import type { Plan, PlannedAccount, PlannedTarget, PlanWarning } from './plan.js'
import type { ValidAccount, ValidPlan } from './schema.js'
import { planSchema, secretKeys } from './schema.js'
import type { SecretSpec } from './secret-spec.js'
import { secretsOf } from './secrets.js'
import { refuseControlCharacters } from './text.js'
import type { Tree } from './tree.js'
import { lookUp, replaceAt, standsAt, withEntry } from './tree.js'
import { validate } from './wording.js'

interface PlanInput {
  /** The YAML text. */
  readonly bytes: Uint8Array
  /** Its path: relative paths start at its folder. */
  readonly file: string
  readonly kinds: Kinds
  /** {date}, in UTC. */
  readonly now: Date
  /** {run} */
  readonly run: string
  /** Reads the table of `accountsFrom`; throws what `node:fs` throws. */
  readonly readFile?: (path: string) => Uint8Array
}

/**
 * Reads a plan, or says everything that is wrong with it. Touches no other file but the table of `accountsFrom`, no
 * variable and no server.
 */
export function loadPlan(input: PlanInput): { readonly plan: Plan } | { readonly diagnostics: readonly Diagnostic[] } {
  const document = readDocument(input.bytes, input.file)
  if ('diagnostics' in document) return document
  const { findings } = document
  const file = resolve(input.file)
  const around: Surroundings = {
    kinds: input.kinds,
    folder: dirname(file),
    moment: new Map([
      ['date', input.now.toISOString().slice(0, 10)],
      ['run', input.run],
    ]),
    findings,
  }
  const defaults = lookUp(document.tree, ['defaults'])
  const list = lookUp(document.tree, ['accounts'])
  const rows = accountsFrom(document.tree, {
    folder: around.folder,
    shownFolder: dirname(input.file),
    findings,
    reserved: ['account', ...around.moment.keys()],
    readFile: input.readFile ?? readFileSync,
  })
  const prepared = [
    ...(list?.kind === 'list' ? list.items.map((own) => prepareAccount(defaults, own, around)) : []),
    ...rows.map(({ own, row }) => prepareAccount(defaults, own, around, row)),
  ]
  const located = replaceAt(document.tree, ['state'], (state) => resolvePath(state, around))
  const tree = withAccounts(located, prepared)
  // Where there are no rows, something was said of the table.
  const leastAccounts = lookUp(tree, ['accountsFrom']) ? 0 : 1
  const valid = validate(planSchema(input.kinds, leastAccounts), tree, findings)
  inspect(tree, prepared, findings)
  const diagnostics = findings.list()
  if (!valid || diagnostics.length > 0) return { diagnostics }
  return { plan: assemble(file, valid, prepared, input.kinds) }
}

/** The tree with the accounts as they were prepared, whether or not the plan has a list of its own. */
function withAccounts(tree: Tree, prepared: readonly PreparedAccount[]): Tree {
  const from = lookUp(tree, ['accountsFrom'])
  const items = prepared.map((account) => account.tree)
  if (tree.kind === 'map' && from && !tree.entries.has('accounts')) {
    return withEntry(tree, 'accounts', { keyAt: from.at, value: { kind: 'list', at: from.at, items } })
  }
  return replaceAt(tree, ['accounts'], (accounts) => (accounts.kind === 'list' ? { ...accounts, items } : accounts))
}

/** Everything that a schema cannot see. */
function inspect(tree: Tree, accounts: readonly PreparedAccount[], findings: Findings): void {
  const secrets = new Set(
    accounts.flatMap(({ tree, secrets, targets }) => [
      ...[...secrets.keys()].map((key) => standsAt(tree, 'source', ...key.split('.'))),
      ...targets.flatMap((target) => [...target.secrets.keys()].map((key) => standsAt(target.tree, ...key.split('.')))),
    ]),
  )
  refuseControlCharacters(tree, findings, ({ at }) => secrets.has(at))
  checkAccounts(accounts, findings)
}

function assemble(
  file: string,
  { state, limits, concurrency, retry, timeouts, accounts }: ValidPlan,
  prepared: readonly PreparedAccount[],
  kinds: Kinds,
): Plan {
  const planned = prepared.flatMap((account, index): PlannedAccount[] => {
    const valid = accounts[index]
    return valid ? [assembleAccount(valid, account, kinds)] : []
  })
  const secrets = planned.flatMap(secretsOf)
  return {
    file,
    state: state ?? resolve(dirname(file), `${basename(file).replace(/\.ya?ml$/i, '')}.state`),
    concurrency,
    limits: { memory: limits.memory, ...(limits.bandwidth !== undefined && { bandwidth: limits.bandwidth }) },
    retry,
    timeouts,
    accounts: planned,
    warnings: planned.flatMap(warningsOf),
    secretFiles: [...new Set(secrets.flatMap(({ form, place }) => (form === 'text' ? [place.file] : [])))],
    secretVariables: [...new Set(secrets.flatMap((secret) => (secret.form === 'env' ? [secret.variable] : [])))],
  }
}

function assembleAccount(
  valid: ValidAccount,
  { name, secrets, targets }: PreparedAccount,
  kinds: Kinds,
): PlannedAccount {
  const kind = kindOf(kinds.sources, valid.source)
  const settings = without(valid.source, ['type', ...secretSettings(kind)])
  const user = String(settings['user'])
  return {
    name: name ?? user,
    ...(valid.previously !== undefined && { previously: valid.previously }),
    host: String(settings['host']),
    user,
    source: { kind, settings },
    secrets,
    ...selectOf(valid),
    ...deletionOf(valid),
    targets: valid.targets.map((target, index): PlannedTarget => {
      const { previously } = target
      const { series, secrets = new Map<string, SecretSpec>() } = targets[index] ?? {}
      const kind = kindOf(kinds.targets, target)
      return {
        name: targets[index]?.name ?? kind.type,
        ...(typeof previously === 'string' && { previously }),
        kind,
        settings: without(target, ['type', 'name', 'previously', ...secretSettings(kind)]),
        secrets,
        ...(series !== undefined && { series }),
      }
    }),
  }
}

/** The settings that hold secrets, whole maps of them included. */
function secretSettings(kind: Kind<unknown, never>): readonly string[] {
  return secretKeys(kind).map((key) => key.replace(/\..*/, ''))
}

/** With the keys that the plan has, if any. */
function deletionOf({ afterCopy }: ValidAccount): { readonly deleteAfter?: number } {
  if (afterCopy === 'keep') return {}
  return { deleteAfter: afterCopy === 'delete' ? 0 : afterCopy.deleteAfter }
}

function selectOf({ select }: ValidAccount): { readonly select?: Select } {
  const given: Select = Object.fromEntries(Object.entries(select).filter(([, value]) => value !== undefined))
  return Object.keys(given).length > 0 ? { select: given } : {}
}

/** The schema has let only known types pass. */
function kindOf<K extends { readonly type: string }>(
  kinds: readonly K[],
  settings: Readonly<Record<string, unknown>>,
): K {
  const kind = kinds.find(({ type }) => type === settings['type'])
  if (!kind) throw new Error('a type passed the schema that no kind has')
  return kind
}

function without(settings: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)))
}

/** Blanks around a user name are sent as they are (QUIRKS AUT-12), but they are seldom meant. */
function warningsOf({ name, user }: PlannedAccount): readonly PlanWarning[] {
  if (user === user.trim()) return []
  return [{ code: 'blanks-around-user', account: name, message: '`user` begins or ends with a blank' }]
}
