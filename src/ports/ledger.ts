import type { DeletionBook } from './deletion-book.js'
import type { Counts } from './event.js'
import type { MessageKey } from './message.js'
import type { Kept, KeptFor } from './quarantine.js'
import type { Records } from './records.js'
import type { Announced, Lane, Position, Progress, Receipt, Volume } from './target.js'

/** The durable record of what was delivered where. Every call is durable when it resolves. */
export interface Ledger extends AsyncDisposable {
  /** Every account and lane that was ever enrolled, also those no longer in the plan. */
  known(): Promise<readonly KnownAccount[]>
  /** Adds and renames accounts and lanes in one transaction; after it every named lane can be loaded. */
  enrol(enrolments: readonly Enrolment[]): Promise<void>
  load(lane: Lane): Promise<Progress>
  /** The keys of all receipts, in pages, oldest first. */
  delivered(lane: Lane): AsyncIterable<readonly Delivered[]>
  /** All receipts of a lane, oldest first. */
  receipts(lane: Lane): AsyncIterable<Receipt>
  /** What was found missing at the lane's target and has not been delivered again; with its last receipts. */
  lost(lane: Lane): AsyncIterable<Receipt>
  /** Records what a look at the lane's place has shown, in one transaction. */
  amend(lane: Lane, amendment: Amendment): Promise<void>
  /** The ids of the account's last complete listing, as `identify` was given them. */
  listing(account: string): Promise<Uint8Array | undefined>
  /** What is known of listed ids that are not simply the key of their message, in pages, oldest finding first. */
  identities(account: string): AsyncIterable<readonly Identity[]>
  /** The messages that any lane of the account has a receipt for, each once. */
  find(account: string, what: Likeness): Promise<readonly KnownMessage[]>
  /** Records findings about ids, all or none. */
  identify(account: string, findings: Findings): Promise<void>
  /** Commits the last batch and begins the next, either or both, in one transaction. */
  advance(lane: Lane, step: LaneStep): Promise<void>
  /** What was read back at the targets, and what was deleted at the source. */
  readonly deletions: DeletionBook
  /** The account's messages that lie in the quarantine, once for each lane without a receipt for it. */
  kept(account: string): Promise<readonly KeptFor[]>
  /** What earlier sessions taught about an account's server; nothing where the account was never enrolled. */
  recall(account: string): Promise<AccountMemory>
  /** Changes what is named and keeps the rest. */
  remember(account: string, learnt: Partial<AccountMemory>): Promise<void>
  startRun(run: string, startedAt: number): Promise<void>
  /** The account's outcome in this run; its failures, if any are given, replace those that earlier runs recorded. */
  finishAccount(account: string, summary: AccountSummary): Promise<void>
  finishRun(run: string, finishedAt: number, exitCode: number): Promise<void>
  status(): Promise<readonly AccountStatus[]>
  /** What reports tell of the past. */
  readonly records: Records
}

export interface Delivered {
  readonly key: MessageKey
  /** Octets that the server listed for it; 0: unknown. */
  readonly listed: number
}

/** A listed id (with its occurrence), and which message it stands for. */
export interface Identity {
  readonly key: MessageKey
  /** The message's own key, where it is another one. */
  readonly original?: MessageKey
  /**
   * The message must be fetched and compared before it counts as known or as new: it may be any message that is listed no
   * more (`reset`), or one of those with the same UIDL (`shared`).
   */
  readonly doubt?: 'reset' | 'shared'
}

/** The same bytes, the same header, the very key, or the same UIDL, also by way of an identity. */
export type Likeness =
  | { readonly sha256: string }
  | { readonly fingerprint: string }
  | { readonly key: MessageKey }
  | { readonly uidl: string }

export interface KnownMessage {
  readonly key: MessageKey
  readonly sha256: string
  readonly size: number
  readonly fingerprint: string | undefined
  /** The lanes that have a receipt for it, by target name. */
  readonly targets: readonly string[]
}

export interface Findings {
  /** Replaces the last complete listing. */
  readonly listing?: Uint8Array
  /** New or changed. */
  readonly identities?: readonly Identity[]
  /** The key is simply its message's again. */
  readonly dissolved?: readonly MessageKey[]
  /** What the server lists for messages now, by their own keys. */
  readonly sizes?: readonly Delivered[]
  /** Messages that were taken for known by their header alone: marked in all their receipts. */
  readonly byHeader?: readonly MessageKey[]
}

export interface LaneStep {
  readonly committed?: {
    readonly receipts: readonly Receipt[]
    /** Refused for good, and durable in the quarantine. A receipt ends that. */
    readonly kept?: readonly Kept[]
    readonly position: Position
    readonly at: number
  }
  readonly begun?: { readonly announced: readonly Announced[]; readonly position: Position; readonly at: number }
  /** Where messages stand that have receipts already. */
  readonly moved?: readonly Pick<Receipt, 'key' | 'where'>[]
  /** Is whole now. */
  readonly volume?: Volume & { readonly at: number }
}

export interface Amendment {
  /** They stand at the target no more: the lane lacks them from now on. Those without a receipt are ignored. */
  readonly lost?: readonly MessageKey[]
  /** Where these stand; each replaces what was known of the message in this lane, a loss included. */
  readonly found?: readonly Receipt[]
  readonly position?: Position
  readonly at: number
}

/** Most of it is forgotten when the account moves to another server or user. */
export interface AccountMemory {
  /** Messages that were fetched are not shown any more after a clean QUIT. */
  readonly windowed: boolean
  /** A run fetched something and did not come to the point where the server has nothing more to show. */
  readonly unsettled: boolean
  /** The shortest listing of a windowed maildrop behind which more came to light. */
  readonly fullWindow?: number
  /** The listed sizes of this server mean nothing, so a message that was cut short cannot be told from a whole one. */
  readonly sizesWrong?: boolean
  /** Ms since 1970: what was copied until then came from another server or user. */
  readonly movedAt?: number
  /** How many messages an ordinary maildrop listed in the last run that came to its end. */
  readonly listed?: number
  /** The account's ledger is being rebuilt from its targets, and no run has come to the end of that yet. */
  readonly adopting?: boolean
  /** How long the last run of some length took to fetch and store so much. */
  readonly speed?: { readonly messages: number; readonly bytes: number; readonly ms: number }
  /** Wall time of the last sign-in in ms, and what the server wanted then; only where sign-ins have to keep a distance. */
  readonly signedInAt?: number
  readonly loginDelayMs?: number
}

export interface KnownAccount {
  readonly account: string
  readonly host: string
  readonly user: string
  readonly lanes: readonly KnownLane[]
}

export interface KnownLane {
  readonly target: string
  readonly place: string
  /** Receipts so far: a lane without any may move freely. */
  readonly receipts: number
}

/** `was` is the present name in the ledger where it differs from the new one; absent for new ones and unchanged ones. */
export interface Enrolment {
  readonly account: string
  readonly was?: string
  readonly host: string
  readonly user: string
  readonly lanes: readonly { readonly target: string; readonly was?: string; readonly place: string }[]
}

export interface AccountSummary {
  readonly run: string
  readonly at: number
  readonly status: 'ok' | 'incomplete' | 'failed'
  /** The fault's code and words where the account stopped early. */
  readonly code?: string
  readonly error?: string
  /** Absent where the maildrop was not even listed: what earlier runs recorded stands. */
  readonly failures?: readonly Failure[]
  /** Absent where `failures` are. */
  readonly listing?: {
    readonly counts: Counts
    /** The listed messages that were neither copied nor failed; may be gone through several times. */
    readonly untried: Iterable<Untried>
  }
}

/** A listed message that was not tried, or was gone before it was. */
export interface Untried {
  readonly state: 'pending' | 'vanished'
  /** As listed. */
  readonly key: MessageKey
  /** As the ledger has it, where that differs. */
  readonly own?: MessageKey
  readonly size: number
}

/** `target` is absent where the source failed: then every lane that lacks the message counts it. */
export interface Failure {
  readonly key: MessageKey
  readonly target?: string
  readonly code: string
  readonly error: string
  /** As listed, where that differs. */
  readonly listed?: MessageKey
  /** Octets, where they are known. */
  readonly size?: number
  /** No listing of the run has shown it. */
  readonly unlisted?: boolean
}

export interface AccountStatus {
  readonly account: string
  readonly targets: readonly {
    readonly target: string
    readonly messages: number
    readonly bytes: number
    readonly failed: number
  }[]
  readonly lastRun: { readonly run: string; readonly at: number; readonly status: string } | undefined
}
