import type { Fault } from './fault.js'
import type { Flag, MessageKey } from './message.js'
import type { WarningCode } from './warning.js'

/** The states in which a listed message ends a run (CONTRACT, Words); `listed` is always their sum. */
export interface Counts {
  readonly listed: number
  readonly copied: number
  readonly present: number
  readonly filtered: number
  readonly failed: number
  readonly vanished: number
  readonly pending: number
  readonly reidentified: number
  readonly deleted: number
  /** Octets of the copied messages. */
  readonly bytes: number
}

export const noCounts: Counts = {
  listed: 0,
  copied: 0,
  present: 0,
  filtered: 0,
  failed: 0,
  vanished: 0,
  pending: 0,
  reidentified: 0,
  deleted: 0,
  bytes: 0,
}

export type AccountOutcome = 'ok' | 'incomplete' | 'failed'

/** Everything the engine tells. It never prints: reporters do. */
export type Event =
  | { readonly type: 'run.started'; readonly run: string; readonly plan: string; readonly accounts: number }
  | { readonly type: 'account.started'; readonly account: string; readonly server: string }
  | {
      readonly type: 'account.listed'
      readonly account: string
      readonly messages: number
      readonly bytes: number
      /** Messages that at least one lane lacks, and their listed octets. */
      readonly missing: number
      readonly missingBytes: number
    }
  /** `run --dry-run`: a message that would be copied. */
  | { readonly type: 'message.wanted'; readonly account: string; readonly key: MessageKey; readonly size: number }
  /** A message arrived from the server. */
  | { readonly type: 'message.fetched'; readonly account: string; readonly size: number }
  | {
      readonly type: 'message.failed'
      readonly account: string
      readonly key: MessageKey
      readonly target?: string
      readonly fault: Fault
    }
  | { readonly type: 'message.flagged'; readonly account: string; readonly key: MessageKey; readonly flag: Flag }
  /** One commit of the ledger for one lane; `copied` and `bytes` sum up the account's messages that are now complete. */
  | {
      readonly type: 'checkpoint'
      readonly account: string
      readonly target: string
      readonly messages: number
      readonly copied: number
      readonly bytes: number
    }
  | {
      readonly type: 'retry'
      readonly account: string
      readonly attempt: number
      readonly delayMs: number
      readonly fault: Fault
    }
  /** `run --adopt`: so many messages were found at the target and entered in the ledger; others stand there, which are not. */
  | {
      readonly type: 'target.adopted'
      readonly account: string
      readonly target: string
      readonly messages: number
      readonly others: number
    }
  | { readonly type: 'target.stopped'; readonly account: string; readonly target: string; readonly fault: Fault }
  | { readonly type: 'warning'; readonly account?: string; readonly code: WarningCode; readonly message: string }
  | {
      readonly type: 'account.finished'
      readonly account: string
      readonly status: AccountOutcome
      readonly counts: Counts
      readonly seconds: number
      readonly fault?: Fault
    }
  | {
      readonly type: 'run.finished'
      readonly run: string
      readonly exitCode: number
      readonly counts: Counts
      readonly seconds: number
      readonly dryRun: boolean
    }
  /** One line of a protocol dialogue, secrets masked: `>` sent, `<` received, `*` remark. */
  | {
      readonly type: 'protocol'
      readonly account: string
      readonly direction: '>' | '<' | '*'
      readonly line: string
    }

export type Emit = (event: Event) => void

/** A pure consumer of events. Must not throw. */
export interface Reporter extends AsyncDisposable {
  on(event: Event): void
}
