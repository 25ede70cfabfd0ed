/** Octets in pieces of any size; walked once. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** A message as the sample server keeps it. A generated one costs no memory, however long it is. */
export interface SampleMessage {
  /** Its unique id: bytes as Latin-1. */
  readonly uidl: string
  /** Octets, as LIST gives them. */
  readonly size: number
  /** The message from its start; any number of times. */
  open(): Chunks
}

export function memoryMessage(uidl: string, bytes: Uint8Array): SampleMessage {
  return { uidl, size: bytes.length, open: () => [bytes] }
}
