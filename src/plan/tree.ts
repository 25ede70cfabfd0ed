/** A YAML value that knows where it stands; `at` is an offset into the text. Aliases are followed, so parts may be shared. */
export type Tree = Leaf | MapTree | ListTree

export interface Leaf {
  readonly kind: 'leaf'
  readonly at: number
  readonly value: string | number | boolean | null
  /** Written without quotes, and a `#` comment follows on the same line. */
  readonly cutByComment: boolean
}

export interface MapTree {
  readonly kind: 'map'
  readonly at: number
  /** Where to point when a key is missing: after a merge the account, although the map may stand in the defaults. */
  readonly owner: number
  readonly entries: ReadonlyMap<string, Entry>
}

interface Entry {
  readonly keyAt: number
  readonly value: Tree
}

export interface ListTree {
  readonly kind: 'list'
  readonly at: number
  readonly items: readonly Tree[]
}

/** The value under keys and list indexes; undefined where there is none. */
export function lookUp(tree: Tree | undefined, path: readonly PropertyKey[]): Tree | undefined {
  let found = tree
  for (const step of path) {
    if (found?.kind === 'map') found = found.entries.get(String(step))?.value
    else if (found?.kind === 'list') found = found.items[Number(step)]
    else return undefined
  }
  return found
}

/** The text under a path, if it is text. */
export function textAt(tree: Tree | undefined, ...path: readonly PropertyKey[]): string | undefined {
  const found = lookUp(tree, path)
  return found?.kind === 'leaf' && typeof found.value === 'string' ? found.value : undefined
}

/** Where the value under a path stands; where there is none, what it is missing from. */
export function standsAt(tree: Tree, ...path: readonly PropertyKey[]): number {
  const found = lookUp(tree, path)
  if (found) return found.at
  for (let length = path.length - 1; length >= 0; length--) {
    const around = lookUp(tree, path.slice(0, length))
    if (around) return around.kind === 'map' ? around.owner : around.at
  }
  return tree.at
}

/** The tree with one value replaced, where there is one. */
export function replaceAt(tree: Tree, path: readonly string[], change: (old: Tree) => Tree): Tree {
  const [key, ...rest] = path
  if (key === undefined) return change(tree)
  if (tree.kind !== 'map') return tree
  const entry = tree.entries.get(key)
  return entry ? withEntry(tree, key, { ...entry, value: replaceAt(entry.value, rest, change) }) : tree
}

export function withEntry(map: MapTree, key: string, entry: Entry): MapTree {
  return { ...map, entries: new Map(map.entries).set(key, entry) }
}

/** Puts `defaults` under `own`: maps key by key, anything else as a whole. */
export function mergeTrees(defaults: Tree | undefined, own: Tree): Tree {
  return defaults?.kind === 'map' && own.kind === 'map' ? mergeMaps(defaults, own, own.owner) : own
}

function mergeMaps(defaults: MapTree, own: MapTree | undefined, owner: number): MapTree {
  const entries = new Map(own?.entries)
  for (const [key, entry] of defaults.entries) {
    const mine = entries.get(key)
    if (entry.value.kind !== 'map') entries.set(key, mine ?? entry)
    else if (!mine) entries.set(key, { ...entry, value: mergeMaps(entry.value, undefined, owner) })
    else if (mine.value.kind === 'map') {
      entries.set(key, { ...mine, value: mergeMaps(entry.value, mine.value, mine.value.owner) })
    }
  }
  return { kind: 'map', at: own?.at ?? defaults.at, owner, entries }
}

/** As plain JavaScript values, the objects without a prototype (QUIRKS YML-12). */
export function plainValue(tree: Tree): unknown {
  if (tree.kind === 'leaf') return tree.value
  if (tree.kind === 'list') return tree.items.map(plainValue)
  const plain = Object.create(null) as Record<string, unknown>
  for (const [key, { value }] of tree.entries) plain[key] = plainValue(value)
  return plain
}
