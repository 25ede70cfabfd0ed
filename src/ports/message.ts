/**
 * A message's identity within one account. A UIDL cannot contain a line feed, which keeps these apart:
 *
 * - `abc`, `abc\n2`: the UIDL's bytes as Latin-1, and the occurrence for the second and further one in a listing;
 * - `abc\n1\n0123…`: a message for which the server used an id again that stood for another one; with its digest;
 * - `\nsha256:0123…`, `\nsha256:0123…\n2`: a message without id, by its digest; and the occurrence;
 * - `\n#…`: a listed message without id that was not fetched yet; only within one run.
 */
export type MessageKey = string & { readonly brand: 'MessageKey' }

/** The UIDL within a key; empty where the server gave none. */
export function uidlOf(key: MessageKey): string {
  return key.split('\n', 1)[0] ?? ''
}

/** One line of a complete listing. */
export interface Entry {
  readonly key: MessageKey
  /** Octets as the server lists them; advisory (QUIRKS LST-14). */
  readonly size: number
}

/** Things worth telling about a message that was stored all the same. */
export type Flag =
  | 'size-mismatch'
  | 'unstuffed-dot'
  | 'wrapped-by-server'
  | 'newline-added'
  | 'lossy-form'
  | 'date-missing'
  | 'reidentified-by-header'
  | 'merged-by-target'

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
