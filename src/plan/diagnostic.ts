import type { LineCounter } from 'yaml'

/** A place in a plan file; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One thing that is wrong with a plan. Never holds a value of the plan, since any value may be a misplaced secret. */
export interface Diagnostic extends Place {
  /** What was expected. */
  readonly message: string
  readonly hint?: string
}

export function formatDiagnostic({ file, line, column, message, hint }: Diagnostic): string {
  return `${file}:${line}:${column}: ${message}${hint === undefined ? '' : `; ${hint}`}`
}

/** Collects everything that is wrong with one plan. What defaults do wrong under each account is kept once. */
export class Findings {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #found = new Map<string, { readonly at: number; readonly diagnostic: Diagnostic }>()
  readonly #offsets = new Set<number>()

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  /** `at` is an offset into the text. */
  add(at: number, message: string, hint?: string): void {
    const diagnostic = { ...this.place(at), message, ...(hint !== undefined && { hint }) }
    this.#found.set(JSON.stringify([at, message]), { at, diagnostic })
    this.#offsets.add(at)
  }

  has(at: number): boolean {
    return this.#offsets.has(at)
  }

  place(at: number): Place {
    const { line, col } = this.#lines.linePos(at)
    return { file: this.#file, line, column: col }
  }

  /** In the order of the text. */
  list(): readonly Diagnostic[] {
    return [...this.#found.values()].sort((a, b) => a.at - b.at).map(({ diagnostic }) => diagnostic)
  }
}
