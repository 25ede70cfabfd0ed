import { alternatives, nearestHint } from './nearest.js'

/** Placeholder values by name, for the places where a name may stand. A value that is itself in error is undefined. */
export type Values = ReadonlyMap<string, string | undefined>

/** `name`: of the placeholder whose value is the problem. */
export interface Unfilled {
  readonly problem: string
  readonly hint?: string | undefined
  readonly name?: string
}

/**
 * Fills the placeholders of a template once: what a value brings along is never looked at again.
 * `refuse` says what is wrong with a value in this place. A template with an undefined value stays as it is.
 */
export function fillTemplate(
  template: string,
  values: Values,
  refuse: (value: string) => string | undefined = () => undefined,
): { readonly text: string } | Unfilled {
  let text = ''
  // The split alternates between plain text and the names of placeholders.
  for (const [index, part] of template.split(/\{([^{}]*)\}/).entries()) {
    if (index % 2 === 0) {
      text += part
      continue
    }
    if (!values.has(part)) return unknownPlaceholder(part, [...values.keys()])
    const value = values.get(part)
    if (value === undefined) return { text: template }
    const problem = refuse(value)
    if (problem !== undefined) return { problem: `the value of {${part}} cannot stand here: ${problem}`, name: part }
    text += value
  }
  return { text }
}

/** The names between braces. */
export function placeholders(template: string): readonly string[] {
  return template.split(/\{([^{}]*)\}/).filter((_, index) => index % 2 === 1)
}

/** Why a value cannot be one component of a path. */
export function pathComponentProblem(value: string): string | undefined {
  if (/[/\\]/.test(value)) return 'it contains a slash or backslash'
  if (value.startsWith('.')) return 'it begins with a dot'
  if (/\p{Cc}/u.test(value)) return 'it contains a control character'
  return value === '' ? 'it is empty' : undefined
}

function unknownPlaceholder(name: string, known: readonly string[]): Unfilled {
  if (known.length === 0) return { problem: 'no placeholder can stand here' }
  const expected = alternatives(known.map((word) => `{${word}}`))
  return { problem: `unknown placeholder; expected ${expected}`, hint: nearestHint(name, known) }
}
