import type { MessageKey } from './message.js'
import type { Lane, Receipt } from './target.js'

/** The part of a ledger that decides what may be deleted at the source, and records what was. Durable when it resolves. */
export interface DeletionBook {
  /** Receipts whose stored copies nobody has found as they should be so far: the doubted ones first, then oldest first. */
  unproven(lane: Lane): AsyncIterable<Receipt>
  /** What reading back the first ones of `unproven` has shown: all of them, up to the last one named. */
  prove(lane: Lane, found: Proof): Promise<void>
  /** Somebody has looked at these copies and not found them as they were stored: they have to be read back again. */
  doubt(lane: Lane, keys: readonly MessageKey[]): Promise<void>
  /**
   * Those of these messages that every one of the lanes has had since `until` or before, but after `since`, each copy proven,
   * and of which nothing is in doubt: neither `size-mismatch` nor `reidentified-by-header`, nor another one with its UIDL.
   */
  deletable(lanes: readonly Lane[], when: Copied, keys: readonly MessageKey[]): Promise<readonly MessageKey[]>
  /** DELE was accepted for these messages; the QUIT is still to come. */
  request(account: string, messages: readonly ListedMessage[], at: number): Promise<void>
  /** A later listing lacks them (`gone`), or shows them all the same (`kept`). */
  settle(account: string, keys: readonly MessageKey[], state: 'gone' | 'kept'): Promise<void>
  /** Everything that was ever requested, in pages. */
  requested(account: string): AsyncIterable<readonly Requested[]>
}

/** Ms since 1970. */
export interface Copied {
  readonly since: number
  readonly until: number
}

export interface Proof {
  readonly proven: readonly MessageKey[]
  /** Not where they were stored, or not as they were stored. */
  readonly doubted: readonly MessageKey[]
}

export interface ListedMessage {
  /** The message's own key. */
  readonly key: MessageKey
  /** The key that the listing shows. */
  readonly listed: MessageKey
}

export interface Requested extends ListedMessage {
  readonly state: 'open' | 'gone' | 'kept'
}
