import { nearestHint } from './nearest.js'
import type { Plan, PlannedAccount } from './plan.js'

/** A pattern that selects no account; the message says so. */
export class NoSuchAccount extends Error {
  override readonly name = 'NoSuchAccount'
}

/** The accounts whose name matches one of the patterns (`*` stands for anything), in the plan's order; without patterns all. */
export function selectAccounts(plan: Plan, patterns: readonly string[]): readonly PlannedAccount[] {
  if (patterns.length === 0) return plan.accounts
  const matchers = patterns.map(globMatcher)
  for (const [index, matches] of matchers.entries()) {
    if (plan.accounts.some(({ name }) => matches(name))) continue
    const pattern = patterns[index] ?? ''
    const hint = nearestHint(
      pattern,
      plan.accounts.map(({ name }) => name),
    )
    throw new NoSuchAccount(`no account of the plan is called "${pattern}"${hint === undefined ? '' : `; ${hint}`}`)
  }
  return plan.accounts.filter(({ name }) => matchers.some((matches) => matches(name)))
}

/** Greedy matching of the pieces between the stars: linear, whatever the pattern. */
function globMatcher(pattern: string): (name: string) => boolean {
  const pieces = pattern.split('*')
  const first = pieces.shift() ?? ''
  const last = pieces.pop()
  return (name) => {
    if (last === undefined) return name === first
    if (!name.startsWith(first) || !name.endsWith(last)) return false
    const end = name.length - last.length
    let from = first.length
    for (const piece of pieces) {
      const found = name.indexOf(piece, from)
      if (found < 0) return false
      from = found + piece.length
    }
    return from <= end
  }
}
