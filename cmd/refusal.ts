import type { Diagnostic } from '../src/plan/diagnostic.js'
import { formatDiagnostic } from '../src/plan/diagnostic.js'

/** Wrong usage or a wrong plan: the lines to print, exit code 2; nothing was contacted, nothing written. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }

  static ofPlan(diagnostics: readonly Diagnostic[]): Refusal {
    return new Refusal(diagnostics.map(formatDiagnostic))
  }
}
