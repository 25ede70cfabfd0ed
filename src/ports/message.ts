import type { Fault } from './fault.js'

/**
 * A message's identity within one account: the UIDL's bytes as Latin-1, and for the second and further occurrence of
 * one UIDL in a listing a line feed and the occurrence (`abc`, `abc\n2`). A UIDL cannot contain a line feed.
 */
export type MessageKey = string & { readonly brand: 'MessageKey' }

/** One line of a complete listing. */
export interface Entry {
  readonly key: MessageKey
  /** Octets as the server lists them; advisory (QUIRKS LST-14). */
  readonly size: number
  /** Set where the listing already shows that the message cannot be fetched safely. */
  readonly fault?: Fault
}

/** Things worth telling about a message that was stored all the same. */
export type Flag =
  'size-mismatch' | 'unstuffed-dot' | 'wrapped-by-server' | 'newline-added' | 'lossy-form' | 'date-missing'

/** A fetched message: bytes as the server sent them after dot-unstuffing. Valid until every lane has delivered it. */
export interface Message {
  readonly key: MessageKey
  /** Octets received. */
  readonly size: number
  /** Lower-case hexadecimal SHA-256 of all octets. */
  readonly sha256: string
  /** The header block with its closing blank line, at most 256 KiB of it. */
  readonly header: Uint8Array
  /** The whole message where it is held in memory; else it must be read through `open`. */
  readonly bytes: Uint8Array | undefined
  /** The octets from the start; may be called any number of times. */
  open(): AsyncIterable<Uint8Array>
}
