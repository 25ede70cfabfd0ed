import type { Counts } from './event.js'
import type { Flag, MessageKey } from './message.js'
import type { Volume } from './target.js'

/** What a ledger tells of the past, for reports. Reads in short steps, so that a run beside it never waits long. */
export interface Records {
  /** How many runs there were, and the newest; undefined before the first. */
  runs(): Promise<{ readonly count: number; readonly last: RunRecord } | undefined>
  /** Undefined where the account was never enrolled. */
  account(name: string): Promise<AccountRecord | undefined>
  /** The account's receipts, lane by lane and about in the order of delivery; each counts once. */
  copies(account: AccountRecord): AsyncIterable<readonly CopiesRecord[]>
  /**
   * What the last run that listed the maildrop did not copy, in pages; also what has been copied since (`arrived`).
   * Throws RecordsChanged where another run has recorded the account anew since `account` was read.
   */
  uncopied(account: AccountRecord, targets: readonly string[]): AsyncIterable<readonly UncopiedRecord[]>
}

export class RecordsChanged extends Error {
  override readonly name = 'RecordsChanged'
}

export interface RunRecord {
  readonly run: string
  /** ms since 1970, like every time here. */
  readonly startedAt: number
  /** Absent where it works, or was killed. */
  readonly finishedAt?: number
  readonly exitCode?: number
}

export interface AccountRecord {
  readonly account: string
  /** Its first name: the salt of file names. */
  readonly origin: string
  readonly host: string
  readonly user: string
  readonly last?: LastRun
  /** Of the last run that listed the maildrop; absent where a version before this record did. */
  readonly outcome?: ListingRecord
  readonly lanes: readonly LaneRecord[]
}

export interface LastRun {
  readonly run: string
  readonly at: number
  readonly status: string
  /** Why it stopped early. */
  readonly code?: string
  readonly error?: string
}

export interface ListingRecord {
  readonly run: string
  readonly at: number
  readonly counts: Counts
}

export interface LaneRecord {
  readonly target: string
  /** `kind:path` */
  readonly place: string
  /** Found missing at the target, and not copied again. */
  readonly lost: number
  readonly volumes: readonly VolumeRecord[]
}

export interface VolumeRecord extends Volume {
  readonly at: number
}

/** Messages at one target that have everything in common that a report tells of copies. */
export interface CopiesRecord {
  readonly target: string
  /** When they were copied. */
  readonly at: number
  /** Of the messages' own dates, in UTC. */
  readonly year?: number
  readonly flags: readonly Flag[]
  /** No other lane, of those that come before, has them. */
  readonly first: boolean
  readonly messages: number
  readonly bytes: number
}

export interface UncopiedRecord {
  /** As listed. */
  readonly key: MessageKey
  /** `unlisted`: a target lacks it, and the maildrop does not list it any more. */
  readonly state: 'failed' | 'pending' | 'vanished' | 'unlisted'
  /** Octets, where they are known. */
  readonly size?: number
  /** None of the asked targets lacks it any more. */
  readonly arrived: boolean
  /** Why, for each target or (without one) by the source. */
  readonly reasons: readonly Reason[]
  /** What is needed to find its bytes in the quarantine. */
  readonly kept?: { readonly key: MessageKey; readonly sha256: string }
}

export interface Reason {
  readonly target?: string
  readonly code: string
  readonly error: string
}
