import type { Fault } from './fault.js'
import type { MessageKey } from './message.js'

/** What is wrong with a message at a target. */
export type Defect = 'missing' | 'altered' | 'duplicated'

/** A message at a target that is not as the ledger says. */
export interface Finding {
  readonly key: MessageKey
  readonly defect: Defect
  /** Where a copy too many stands, for people. */
  readonly seen?: string
}

export interface TargetVerdict {
  readonly target: string
  /** Messages that the ledger has receipts for and that were looked for, and the octets of those that are intact. */
  readonly checked: number
  readonly bytes: number
  readonly missing: number
  readonly altered: number
  readonly duplicated: number
  /** Why the target could not be read to its end. */
  readonly fault?: Fault
}

/** The maildrop against the ledger. */
export interface SourceVerdict {
  readonly listed: number
  /** Listed, wanted, and lacked by at least one target. */
  readonly uncopied: number
  readonly faults: readonly Fault[]
}

export interface AccountVerdict {
  readonly account: string
  readonly targets: readonly TargetVerdict[]
  /** Only where it was asked for. */
  readonly source?: SourceVerdict
}

/** What a verification tells while it works. */
export type VerifyEvent =
  /** A message was read back. */
  | { readonly type: 'read'; readonly size: number }
  | { readonly type: 'finding'; readonly account: string; readonly target: string; readonly finding: Finding }
  | { readonly type: 'uncopied'; readonly account: string; readonly key: MessageKey; readonly size: number }
  | { readonly type: 'account'; readonly verdict: AccountVerdict }
