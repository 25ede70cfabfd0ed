import type { Kinds, Presets } from '../ports/kind.js'
import type { Findings } from './diagnostic.js'
import { fillFields, fillText, normalHost } from './fields.js'
import type { Filling } from './fields.js'
import { defaultSourceType, secretKeys } from './schema.js'
import type { SecretSpec } from './secret-spec.js'
import { secretSpec } from './secret-spec.js'
import type { Row } from './table.js'
import type { Values } from './template.js'
import type { Tree } from './tree.js'
import { lookUp, mergeTrees, replaceAt, standsAt, textAt, withEntry } from './tree.js'

/** What is the same for every account of a plan. */
export interface Surroundings {
  readonly kinds: Kinds
  /** The values of {date} and {run}. */
  readonly moment: Values
  /** Relative paths start here. */
  readonly folder: string
  readonly findings: Findings
}

/** An account with its defaults and templates filled in, ready for the schema. */
export interface PreparedAccount {
  readonly tree: Tree
  readonly name: string | undefined
  readonly secrets: ReadonlyMap<string, SecretSpec>
  readonly targets: readonly PreparedTarget[]
}

export interface PreparedTarget {
  readonly tree: Tree
  readonly name: string
  readonly series: string | undefined
  readonly secrets: ReadonlyMap<string, SecretSpec>
}

/** `row`: of an account that comes from a table. */
export function prepareAccount(
  defaults: Tree | undefined,
  own: Tree,
  around: Surroundings,
  row?: Row,
): PreparedAccount {
  const typed = withSourceType(mergeTrees(defaults, own))
  const kind = around.kinds.sources.find(({ type }) => type === textAt(typed, 'source', 'type'))
  const merged = replaceAt(typed, ['source'], (source) => withPreset(source, kind?.presets))
  const { values, tree: signedIn } = fillIdentity(withOwnSecrets(merged, own, secretKeys(kind)), around.findings, row)
  const filling = { ...around, values, owner: standsAt(own), row }
  const fields = (kind?.fields ?? []).filter(({ key }) => key !== 'user' && key !== 'host')
  const filled = replaceAt(signedIn, ['source'], (source) => fillFields(source, fields, filling).tree)
  const targets = prepareTargets(lookUp(filled, ['targets']), around.kinds, filling)
  const tree = replaceAt(filled, ['targets'], (list) =>
    list.kind === 'list' ? { ...list, items: targets.map((target) => target.tree) } : list,
  )
  const secrets = prepareSecrets(lookUp(tree, ['source']), secretKeys(kind), filling)
  return { tree, name: values.get('account'), targets, secrets }
}

function withSourceType(account: Tree): Tree {
  return replaceAt(account, ['source'], (source) => {
    if (source.kind !== 'map' || source.entries.has('type')) return source
    const value: Tree = { kind: 'leaf', at: source.at, value: defaultSourceType, cutByComment: false }
    return withEntry(source, 'type', { keyAt: source.at, value })
  })
}

/** Adds what the named preset knows and the plan does not say. */
function withPreset(settings: Tree, presets: Presets | undefined): Tree {
  const name = presets && lookUp(settings, [presets.key])
  if (!name || settings.kind !== 'map') return settings
  // Of a wrong name nothing is complained but the name: with any preset, nothing else is missing.
  const known = presets.settings.get(textAt(name) ?? '') ?? [...presets.settings.values()][0] ?? {}
  return Object.entries(known).reduce((map, [key, value]) => {
    if (map.entries.has(key)) return map
    return withEntry(map, key, { keyAt: name.at, value: { kind: 'leaf', at: name.at, value, cutByComment: false } })
  }, settings)
}

/** A secret replaces that of the defaults as a whole: `{ env: A, file: B }` would be none. */
function withOwnSecrets(merged: Tree, own: Tree, keys: readonly string[]): Tree {
  return keys.reduce((tree, key) => {
    const path = ['source', ...key.split('.')]
    return replaceAt(tree, path, (inherited) => lookUp(own, path) ?? inherited)
  }, merged)
}

/**
 * Fills user and host, of which the values of the other templates are made: each may use what is known before it. A column
 * called `user` or `host` is what these placeholders stand for.
 */
function fillIdentity(
  account: Tree,
  findings: Findings,
  row: Row = new Map(),
): { readonly tree: Tree; readonly values: Values } {
  const columns = [...row].map(([name, { value }]) => [name, value] as const)
  const named = lookUp(account, ['name']) !== undefined
  const given = textAt(account, 'source', 'host')
  const withUser = replaceAt(account, ['source', 'user'], (user) => {
    const known = new Map<string, string | undefined>()
    if (given !== undefined && !given.includes('{')) known.set('host', given)
    for (const [name, value] of columns) known.set(name, value)
    if (named) known.set('account', textAt(account, 'name'))
    return fillText(user, known, { findings, row })
  })
  const user = textAt(withUser, 'source', 'user')
  const name = named ? textAt(account, 'name') : user
  const known: Values = new Map([['account', name], ['user', user], ...columns, ['account', name]])
  const tree = replaceAt(withUser, ['source', 'host'], (value) =>
    normalHost(fillText(value, known, { findings, row }), findings),
  )
  const host = textAt(tree, 'source', 'host')
  return { tree, values: new Map([['account', name], ['user', user], ['host', host], ...known]) }
}

function prepareTargets(list: Tree | undefined, kinds: Kinds, filling: Filling): readonly PreparedTarget[] {
  if (list?.kind !== 'list') return []
  const seen = new Map<string, number>()
  return list.items.map((target) => {
    const type = textAt(target, 'type') ?? ''
    const count = (seen.get(type) ?? 0) + 1
    seen.set(type, count)
    const name = textAt(target, 'name') ?? (count === 1 ? type : `${type}-${count}`)
    const kind = kinds.targets.find((kind) => kind.type === type)
    const filled = fillFields(withPreset(target, kind?.presets), kind?.fields ?? [], filling)
    return { name, ...filled, secrets: prepareSecrets(filled.tree, secretKeys(kind), filling) }
  })
}

function prepareSecrets(
  server: Tree | undefined,
  keys: readonly string[],
  filling: Filling,
): ReadonlyMap<string, SecretSpec> {
  const secrets = new Map<string, SecretSpec>()
  if (server?.kind !== 'map') return secrets
  for (const key of keys) {
    const tree = lookUp(server, key.split('.'))
    const spec = tree && secretSpec(tree, filling)
    if (spec) secrets.set(key, spec)
  }
  const settings = keys.map((key) => key.split('.', 1)[0] ?? key)
  if (keys.length > 0 && !settings.some((key) => server.entries.has(key))) {
    filling.findings.add(server.owner, `\`${settings.join('` or `')}\` is missing: expected a secret to sign in with`)
  }
  return secrets
}
