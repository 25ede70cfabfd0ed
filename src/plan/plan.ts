import type { SourceKind, TargetKind, Timeouts } from '../ports/kind.js'
import type { Select } from '../ports/select.js'
import type { WarningCode } from '../ports/warning.js'
import type { SecretSpec } from './secret-spec.js'

/** A valid plan. All paths are absolute, all durations milliseconds, all sizes bytes. */
export interface Plan {
  readonly file: string
  /** The state folder. */
  readonly state: string
  readonly concurrency: { readonly accounts: number; readonly perHost: number }
  /** `bandwidth`: bytes a second. */
  readonly limits: { readonly bandwidth?: number; readonly memory: number }
  readonly retry: {
    readonly attempts: number
    readonly minDelay: number
    readonly maxDelay: number
    readonly maxWait: number
  }
  readonly timeouts: Timeouts
  readonly accounts: readonly PlannedAccount[]
  readonly warnings: readonly PlanWarning[]
  /** Files in which secrets stand: the plan itself, the table of `accountsFrom`. */
  readonly secretFiles: readonly string[]
  /** Environment variables that hold secrets of any account: no child process may see them (QUIRKS SEC-03). */
  readonly secretVariables: readonly string[]
}

/** Something valid that may not be meant. */
export interface PlanWarning {
  readonly code: WarningCode
  readonly account?: string
  readonly message: string
}

export interface PlannedAccount {
  readonly name: string
  readonly previously?: string
  readonly host: string
  readonly user: string
  readonly source: { readonly kind: SourceKind; readonly settings: unknown }
  /** By key (`password`, `oauth2.accessToken`). */
  readonly secrets: ReadonlyMap<string, SecretSpec>
  /** Absent where every message is wanted. */
  readonly select?: Select
  /** How long after the copy a message is deleted at the source, ms; absent: never. */
  readonly deleteAfter?: number
  readonly targets: readonly PlannedTarget[]
}

export interface PlannedTarget {
  readonly name: string
  readonly previously?: string
  readonly kind: TargetKind
  readonly settings: unknown
  /** By key, as for a source. */
  readonly secrets: ReadonlyMap<string, SecretSpec>
  /** See TargetContext. */
  readonly series?: string
}
