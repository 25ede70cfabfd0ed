import type { Flag, MessageKey } from './message.js'

/**
 * The place in the state folder for messages that a target refused for good. Durable: what lies there, the source may
 * forget. Names are made by the caller, from digests only.
 */
export interface QuarantineFolder {
  /** Resolves when the whole file and its name are durable; what fails leaves nothing. Replaces a file of this name. */
  put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>
  /** The octets from the start; may be called any number of times. */
  open(name: string): AsyncIterable<Uint8Array>
  /** No error where there is none. */
  remove(name: string): Promise<void>
  /** Removes every file of popferry's that is not among these, drafts of killed runs too. Foreign files stay. */
  sweep(kept: ReadonlySet<string>): Promise<void>
  /**
   * The same, but whole files get other names, for they may hold the only copy: as `unclaimed-….eml` they are foreign from
   * then on. Resolves with their number.
   */
  setAside(kept: ReadonlySet<string>): Promise<number>
}

/** A message that a target refused for good, as it lies in the quarantine. */
export interface Kept {
  readonly key: MessageKey
  readonly sha256: string
  readonly size: number
  readonly flags: readonly Flag[]
  /** Why, when it was last offered: the fault's code and words. */
  readonly code: string
  readonly error: string
}

/** One of an account's messages in quarantine, and for which target it waits there. */
export interface KeptFor extends Kept {
  readonly target: string
  /** The account's first name in the ledger: the salt of the file's name. */
  readonly origin: string
}
