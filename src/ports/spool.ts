/** A private place on disk for messages that are too large for memory. Not durable: gone after the run. */
export interface Spool {
  create(): SpoolFile
}

/** One file of the spool: written once in sequence, then read any number of times, then removed. */
export interface SpoolFile {
  /** The bytes may be reused by the caller after the promise settled. */
  write(bytes: Uint8Array): Promise<void>
  open(): AsyncIterable<Uint8Array>
  remove(): Promise<void>
}
