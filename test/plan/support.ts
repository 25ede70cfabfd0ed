import { loadPlan } from '../../src/plan/load.js'
import type { Plan } from '../../src/plan/plan.js'
import { formatDiagnostic } from '../../src/plan/diagnostic.js'
import { kinds } from './kinds.js'

/** What tables hold, by their paths. */
type Tables = Readonly<Record<string, string | Uint8Array>>

function reading(tables: Tables): (path: string) => Uint8Array {
  return (path) => {
    const content = tables[path]
    if (content === undefined) throw Object.assign(new Error('no such table'), { code: 'ENOENT' })
    return typeof content === 'string' ? new TextEncoder().encode(content) : content
  }
}

/** The plan of a text at /plans/migrate.yaml, or its diagnostics as lines without the file name. */
export function load(text: string | Uint8Array, tables: Tables = {}): Plan | readonly string[] {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const now = new Date('2026-03-04T23:59:59Z')
  const loaded = loadPlan({ bytes, file: '/plans/migrate.yaml', kinds, now, run: 'run-1', readFile: reading(tables) })
  if ('plan' in loaded) return loaded.plan
  return loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).replace('/plans/migrate.yaml:', ''))
}

/** Loads a plan that must be good. */
export function goodPlan(text: string | Uint8Array, tables?: Tables): Plan {
  const loaded = load(text, tables)
  if ('accounts' in loaded) return loaded
  throw new Error(loaded.join('\n'))
}

/** Loads a plan that must be bad. */
export function complaints(text: string | Uint8Array, tables?: Tables): readonly string[] {
  const loaded = load(text, tables)
  if ('accounts' in loaded) throw new Error('the plan is good')
  return loaded
}
