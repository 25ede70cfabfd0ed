import type { Counts } from './event.js'
import type { Flag, MessageKey } from './message.js'
import type { LastRun, RunRecord, VolumeRecord } from './records.js'

/** What a report says, apart from the list of what was not copied: that is as long as it gets. */
export interface Report {
  /** ms since 1970, like every time here. */
  readonly at: number
  readonly version: string
  /** The plan's path. */
  readonly plan: string
  readonly verdict: Verdict
  /** The newest run, and how many there were. */
  readonly run?: RunRecord & { readonly count: number }
  /** Who works in the state just now, if anybody does. */
  readonly working?: string
  /** Of the accounts that the plan has. */
  readonly totals: Totals
  readonly accounts: readonly AccountReport[]
  /** What was copied when, to all targets; undefined where nothing was. */
  readonly throughput?: Throughput
  /** The messages that are stored somewhere, by their own dates; each once. */
  readonly years: Years
}

/** `unknown`: nothing is known to be missing, but nobody has looked everywhere. */
export type Verdict = 'complete' | 'missing' | 'unknown'

export interface Sum {
  readonly messages: number
  readonly bytes: number
}

/** `listed` is the sum of the states behind it, as in Counts. */
export type Listed = Omit<Counts, 'reidentified' | 'deleted' | 'bytes'>

export interface Totals extends Listed {
  readonly accounts: number
  /** Accounts of which everything is there. */
  readonly complete: number
  /** A target lacks them, and the maildrop lists them no more. */
  readonly unlisted: number
  /** Messages that are at one target at least, each once. */
  readonly stored: Sum
  /** Of these, those that arrived shorter than listed. */
  readonly short: number
  /** Over all targets. */
  readonly copies: Sum
}

export interface AccountReport {
  readonly account: string
  /** False for one that only the ledger knows. */
  readonly planned: boolean
  readonly verdict: Verdict
  /** Why nobody knows; also beside what is missing. */
  readonly doubts: readonly Doubt[]
  /** Absent where it was never enrolled. */
  readonly server?: { readonly host: string; readonly user: string }
  readonly last?: LastRun
  /** What the last run that listed the maildrop found, and what became of it up to now. */
  readonly listing?: Listed & { readonly run: string; readonly at: number }
  readonly unlisted: number
  /** As in Totals. */
  readonly stored: Sum
  readonly short: number
  readonly targets: readonly TargetReport[]
  /** Why messages were not copied, the most frequent first. */
  readonly reasons: readonly ReasonReport[]
}

/**
 * - `never-run`: no run has come to this account.
 * - `not-listed`: the last run did not come to a listing.
 * - `stopped`: the last run did not come to its end.
 * - `uncounted`: it did, but a version of the program that did not record counts.
 * - `new-target`: the plan has a target that no run has seen.
 */
export type Doubt = 'never-run' | 'not-listed' | 'stopped' | 'uncounted' | 'new-target'

export interface TargetReport extends Sum {
  readonly target: string
  /** False for one that only the ledger knows. */
  readonly planned: boolean
  /** Absent where no run has seen it. */
  readonly kind?: string
  readonly place?: string
  /** Found missing there, and not copied again. */
  readonly lost: number
  /** When the first and the last message were copied. */
  readonly first?: number
  readonly latest?: number
  readonly flags: ReadonlyMap<Flag, number>
  readonly volumes: readonly VolumeRecord[]
}

export interface ReasonReport {
  /** A fault's code, or `pending` or `vanished`. */
  readonly code: string
  /** Absent where the source failed. */
  readonly target?: string
  readonly hint?: string
  readonly messages: number
}

export interface Throughput {
  readonly from: number
  readonly widthMs: number
  readonly bins: readonly Sum[]
}

export interface Years {
  /** Each from the first to the last. */
  readonly years: readonly (Sum & { readonly year: number })[]
  /** Without a usable date. */
  readonly undated: Sum
  /** Copied before dates were recorded, or found again. */
  readonly unknown: Sum
}

/** One message that is not at every target. */
export interface UncopiedMessage {
  readonly account: string
  readonly key: MessageKey
  readonly state: 'failed' | 'pending' | 'vanished' | 'unlisted'
  /** Octets, where they are known. */
  readonly size?: number
  /** Decoded, where its bytes are in the quarantine. */
  readonly subject?: string
  readonly reasons: readonly UncopiedReason[]
}

export interface UncopiedReason {
  readonly target?: string
  readonly code: string
  readonly error: string
  readonly hint?: string
}

/** How a report is written down. Texts from outside are raw in what it gets, and harmless in what it makes. */
export interface ReportForm {
  /** What comes before the list, once it is known. */
  before(report: Report): Iterable<string>
  /** A part of the list: some messages of one account. */
  messages(messages: readonly UncopiedMessage[], place: PlaceInList): string
  /** Behind the last message of an account that has any. */
  closing(): string
  after(): string
}

export interface PlaceInList {
  /** Nothing stands in the list yet. */
  readonly opening: boolean
  /** How many messages of this account stand there already. */
  readonly before: number
}
