import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { ErrorCode, Node, Pair, Scalar, YAMLMap } from 'yaml'
import type { Diagnostic } from './diagnostic.js'
import { Findings } from './diagnostic.js'
import type { Leaf, Tree } from './tree.js'
import { decodeUtf8, hasByteOrderMark, looksLikeUtf16 } from './utf8.js'

const maxBytes = 1024 * 1024
const maxDepth = 32
const maxAliases = 100
const maxValues = 250_000

/**
 * Reads YAML 1.2 (core schema, one document) into a tree. Duplicate keys and the like go into `findings` beside the
 * tree; what cannot be read at all comes back as diagnostics. The library's messages quote the text, which may be a
 * secret: only their codes are used (QUIRKS SEC-08).
 */
export function readDocument(
  bytes: Uint8Array,
  file: string,
): { readonly tree: Tree; readonly findings: Findings } | { readonly diagnostics: readonly Diagnostic[] } {
  const decoded = decode(bytes)
  if (typeof decoded !== 'string') return { diagnostics: [{ file, column: 1, ...decoded }] }
  const lines = new LineCounter()
  const findings = new Findings(file, lines)
  const document = parseDocument(decoded, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    // The library compares each key with all others; TreeReader finds duplicates in one pass (QUIRKS YML-02).
    uniqueKeys: false,
    lineCounter: lines,
  })
  for (const { code, pos } of [...document.errors, ...document.warnings]) findings.add(pos[0], reasons[code])
  const diagnostics = findings.list()
  if (diagnostics.length > 0) return { diagnostics: tooDeep(document.errors) ? diagnostics.slice(0, 1) : diagnostics }
  return { tree: new TreeReader(decoded, findings).read(document.contents, 0, 1), findings }
}

function decode(bytes: Uint8Array): string | { readonly line: number; readonly message: string } {
  if (bytes.length > maxBytes) return { line: 1, message: 'expected a plan of at most 1 MB' }
  if (looksLikeUtf16(bytes)) {
    return { line: 1, message: 'expected UTF-8 text; this file looks like UTF-16 or is not text' }
  }
  if (hasByteOrderMark(bytes)) {
    return { line: 1, message: 'expected UTF-8 text without a byte order mark; save the file again without one' }
  }
  const decoded = decodeUtf8(bytes)
  if ('text' in decoded) return decoded.text
  return { line: decoded.badLine, message: 'expected UTF-8 text; this line has bytes of another encoding' }
}

/** Thousands of open brackets: the parser reports each of them. */
function tooDeep(errors: readonly { readonly code: ErrorCode }[]): boolean {
  return errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')
}

const reasons: Record<ErrorCode, string> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: 'expected a valid alias; text that starts with * must be quoted',
  BAD_COLLECTION_TYPE: 'this tag does not fit its value; text that starts with ! must be quoted',
  BAD_DIRECTIVE: 'expected no directive; text that starts with % must be quoted',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted text; single quotes take \\ as it is',
  BAD_INDENT: 'wrong indentation: the keys of one map must start in the same column',
  BAD_PROP_ORDER: 'an anchor or tag stands in the wrong place; text that starts with & or ! must be quoted',
  BAD_SCALAR_START: 'text that starts with this character must be quoted',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one value; text with ": " in it must be quoted, and a nested map starts on its own line',
  BLOCK_IN_FLOW: 'expected no indented block inside { } or [ ]',
  DUPLICATE_KEY: 'duplicate key',
  IMPOSSIBLE: 'expected valid YAML',
  KEY_OVER_1024_CHARS: 'expected a key of at most 1024 characters',
  MISSING_CHAR: 'a closing quote, bracket, comma or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'expected a key on one line',
  MULTIPLE_ANCHORS: 'expected at most one anchor; text that starts with & must be quoted',
  MULTIPLE_DOCS: 'expected one document; a second one starts here',
  MULTIPLE_TAGS: 'expected at most one tag; text that starts with ! must be quoted',
  NON_STRING_KEY: 'expected a key of plain text',
  RESOURCE_EXHAUSTION: `nested deeper than ${maxDepth} levels`,
  TAB_AS_INDENT: 'expected blanks: tabs cannot indent',
  TAG_RESOLVE_FAILED: 'unknown tag; text that starts with ! must be quoted',
  UNEXPECTED_TOKEN: 'expected nothing here; inside { } or [ ] text with any of {}[], must be quoted',
}

interface Anchored {
  readonly tree: Tree
  /** What following an alias to it adds. */
  readonly values: number
  readonly aliases: number
}

class TreeReader {
  readonly #text: string
  readonly #findings: Findings
  readonly #anchors = new Map<string, Anchored>()
  #values = 0
  #aliases = 0

  constructor(text: string, findings: Findings) {
    this.#text = text
    this.#findings = findings
  }

  /** `at` is the position of a value that is not written, such as that of `key:`. */
  read(node: Node | null, at: number, depth: number): Tree {
    const start = node?.range?.[0] ?? at
    if (depth > maxDepth) return this.#refuse(start, reasons.RESOURCE_EXHAUSTION)
    if (isAlias(node)) return this.#follow(node.source, start)
    const { values, aliases } = { values: this.#values++, aliases: this.#aliases }
    const tree = this.#readValue(node, start, depth)
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { tree, values: this.#values - values, aliases: this.#aliases - aliases })
    }
    return tree
  }

  #readValue(node: Node | null, at: number, depth: number): Tree {
    if (isMap(node)) return this.#readMap(node, at, depth)
    if (isSeq(node)) {
      return { kind: 'list', at, items: node.items.map((item) => this.read(item as Node | null, at, depth + 1)) }
    }
    return isScalar(node) ? this.#readScalar(node, at) : leaf(null, at)
  }

  #readMap(map: YAMLMap, at: number, depth: number): Tree {
    const entries = new Map<string, { keyAt: number; value: Tree }>()
    for (const { key, value } of map.items as Pair<Node | null, Node | null>[]) {
      const keyAt = key?.range?.[0] ?? at
      const text = isScalar(key) ? (typeof key.value === 'string' ? key.value : (key.source ?? '')) : ''
      if (text === '')
        this.#findings.add(keyAt, 'expected a key of plain text', 'text with { or [ in it must be quoted')
      else if (entries.has(text)) this.#findings.add(keyAt, reasons.DUPLICATE_KEY)
      else entries.set(text, { keyAt, value: this.read(value, keyAt, depth + 1) })
    }
    return { kind: 'map', at, owner: at, entries }
  }

  #readScalar(scalar: Scalar, at: number): Tree {
    const { value, type, range } = scalar
    if (value !== null && typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      return this.#refuse(at, 'expected text')
    }
    const comment = /[^\S\n]+#/y
    comment.lastIndex = range?.[1] ?? 0
    return { ...leaf(value, at), cutByComment: type === 'PLAIN' && comment.test(this.#text) }
  }

  /** Counts what aliases unfold to, not the aliases written, so that a bomb is small (QUIRKS YML-03). */
  #follow(name: string, at: number): Tree {
    const target = this.#anchors.get(name)
    if (!target) return this.#refuse(at, 'this alias names no anchor before it; text that starts with * must be quoted')
    const spent = this.#tooMuch
    this.#aliases += 1 + target.aliases
    this.#values += target.values
    if (!this.#tooMuch) return target.tree
    return spent ? leaf(null, at) : this.#refuse(at, `expected at most ${maxAliases} aliases and ${maxValues} values`)
  }

  get #tooMuch(): boolean {
    return this.#aliases > maxAliases || this.#values > maxValues
  }

  #refuse(at: number, message: string): Leaf {
    this.#findings.add(at, message)
    return leaf(null, at)
  }
}

function leaf(value: Leaf['value'], at: number): Leaf {
  return { kind: 'leaf', at, value, cutByComment: false }
}
