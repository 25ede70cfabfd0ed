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

/** Where an offset of another file than the plan stands; `part` names it. */
type Locate = (offset: number) => Place & { readonly part?: string }

/** Offsets of further files begin at multiples of it: far behind any plan. */
const fileSpan = 2 ** 40

/** Collects everything that is wrong with one plan. What defaults do wrong under each account is kept once. */
export class Findings {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #others: Locate[] = []
  readonly #found = new Map<string, { readonly at: number; readonly diagnostic: Diagnostic }>()
  readonly #offsets = new Set<number>()

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  /** Makes offsets of another file known, which begin at what is returned. */
  adjoin(locate: Locate): number {
    return this.#others.push(locate) * fileSpan
  }

  /** `at` is an offset into the text. */
  add(at: number, message: string, hint?: string): void {
    const { part, ...place } = this.#locate(at)
    const text = part === undefined ? message : `${part}: ${message}`
    const diagnostic = { ...place, message: text, ...(hint !== undefined && { hint }) }
    this.#found.set(JSON.stringify([at, message]), { at, diagnostic })
    this.#offsets.add(at)
  }

  has(at: number): boolean {
    return this.#offsets.has(at)
  }

  place(at: number): Place {
    const { file, line, column } = this.#locate(at)
    return { file, line, column }
  }

  /** How to name a place next to one that is told already: `line 7`, in another file with its name. */
  lineOf(at: number, besides: number): string {
    const { file, line } = this.place(at)
    return file === this.place(besides).file ? `line ${line}` : `line ${line} of ${file}`
  }

  /** In the order of the text. */
  list(): readonly Diagnostic[] {
    return [...this.#found.values()].sort((a, b) => a.at - b.at).map(({ diagnostic }) => diagnostic)
  }

  #locate(at: number): ReturnType<Locate> {
    const other = this.#others[Math.floor(at / fileSpan) - 1]
    if (other) return other(at % fileSpan)
    const { line, col } = this.#lines.linePos(at)
    return { file: this.#file, line, column: col }
  }
}
