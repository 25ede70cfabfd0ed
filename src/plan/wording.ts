import type { z } from 'zod'
import type { Findings } from './diagnostic.js'
import { alternatives, nearestHint } from './nearest.js'
import type { Tree } from './tree.js'
import { lookUp, plainValue, standsAt } from './tree.js'

type RawIssue = z.core.$ZodRawIssue

/**
 * Validates a tree and returns the schema's output, or undefined with the issues among the findings. Values and unknown
 * keys are never repeated: a slip of the keyboard turns a secret into either.
 */
export function validate<T>(schema: z.ZodType<T>, tree: Tree, findings: Findings): T | undefined {
  const known = new Map<string, readonly string[]>()
  const result = schema.safeParse(plainValue(tree), {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') known.set(JSON.stringify(issue.path ?? []), keysOf(issue))
      return phrase(issue)
    },
  })
  for (const issue of result.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') {
      reportUnknownKeys(tree, issue, known.get(JSON.stringify(issue.path)) ?? [], findings)
    } else report(tree, issue, findings)
  }
  return result.data
}

function keysOf(issue: RawIssue): readonly string[] {
  const definition = issue.inst?._zod.def as { readonly shape?: Readonly<Record<string, unknown>> } | undefined
  return Object.keys(definition?.shape ?? {})
}

function reportUnknownKeys(
  tree: Tree,
  issue: z.core.$ZodIssueUnrecognizedKeys,
  known: readonly string[],
  findings: Findings,
): void {
  const map = lookUp(tree, issue.path)
  if (map?.kind !== 'map') return
  for (const key of issue.keys) {
    const expected = known.length > 0 ? `unknown key; expected ${alternatives(known)}` : 'unknown key'
    const hint = nearestHint(key, known)
    findings.add(map.entries.get(key)?.keyAt ?? map.at, hint === undefined ? expected : 'unknown key', hint)
  }
}

function report(tree: Tree, issue: z.core.$ZodIssue, findings: Findings): void {
  const found = lookUp(tree, issue.path)
  if (!found) {
    findings.add(standsAt(tree, ...issue.path), missing(issue))
    return
  }
  // What is already known to be wrong needs no second complaint.
  if (findings.has(found.at) && found.kind === 'leaf') return
  findings.add(found.at, issue.message, hintFor(issue, found))
}

function missing({ path, message }: z.core.$ZodIssue): string {
  return `\`${String(path.at(-1))}\` is missing: ${message}`
}

function hintFor(issue: z.core.$ZodIssue, found: Tree): string | undefined {
  if (issue.message === wanted.string) {
    if (found.kind === 'map' && isBareTemplate(found)) return 'quote it: text that starts with { must be quoted'
    return found.kind === 'leaf' && found.value !== null ? 'quote it' : undefined
  }
  if (found.kind !== 'leaf' || typeof found.value !== 'string') return undefined
  if (issue.message === wanted.number && /^\d+$/.test(found.value)) return 'write it without quotes'
  return nearestHint(found.value, knownWords(issue))
}

/** `user: {account}` is a map of one key without a value. */
function isBareTemplate(map: Tree & { readonly kind: 'map' }): boolean {
  const values = [...map.entries.values()].map(({ value }) => value)
  return values.length === 1 && values[0]?.kind === 'leaf' && values[0].value === null
}

function knownWords(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_union' ? options(issue) : []
}

/** The types that a `type` key may name. */
function options(issue: object): readonly string[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
}

const wanted = {
  string: 'expected text',
  number: 'expected a number',
  int: 'expected a whole number',
  boolean: 'expected true or false',
  array: 'expected a list',
  object: 'expected a map',
} as const

/** What was expected. A message that a schema brings along comes before this one. */
function phrase(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.path === undefined || issue.path.length === 0) return 'expected a map with `version` and `accounts`'
      return issue.expected in wanted ? wanted[issue.expected as keyof typeof wanted] : 'expected another form'
    case 'invalid_value':
      return `expected ${alternatives(issue.values.map(String))}`
    case 'invalid_union':
      return options(issue).length > 0 ? `expected ${alternatives(options(issue))}` : 'expected another form'
    case 'too_small':
      return issue.origin === 'number' ? `expected at least ${String(issue.minimum)}` : 'expected more than nothing'
    case 'too_big':
      return `expected at most ${String(issue.maximum)}${issue.origin === 'string' ? ' characters' : ''}`
    default:
      return 'expected another form'
  }
}
