import { createHash } from 'node:crypto'
import { openRegular } from '../files/regular.js'
import { LfEncoder, lfToCrlf, type Newline } from '../mail/line-ends.js'
import type { Flag, Message } from '../ports/message.js'

/** What stands in the file of one message. */
export interface StoredForm {
  /** The whole where the message is in memory. */
  readonly bytes: Uint8Array | undefined
  readonly lossy: boolean
  readonly flags: readonly Flag[]
  chunks(): AsyncIterable<Uint8Array>
}

/** `allocate` gives the memory for a form of a message that is in memory itself. */
export async function storedForm(
  message: Message,
  newline: Newline,
  allocate: (octets: number) => Buffer,
): Promise<StoredForm> {
  if (newline === 'crlf') {
    return { bytes: message.bytes, lossy: false, flags: [], chunks: () => message.open() }
  }
  if (message.bytes) {
    const encoder = new LfEncoder(allocate)
    const bytes = encoder.whole(message.bytes)
    return { bytes, ...lossyFlags(encoder), chunks: () => one(bytes) }
  }
  const encoder = new LfEncoder()
  // Read once to learn whether the form is lossy: the receipt needs to know, the memory must stay small.
  for await (const chunk of message.open()) encoder.push(chunk)
  return { bytes: undefined, ...lossyFlags(encoder), chunks: () => encoded(message) }
}

function lossyFlags({ lossy }: LfEncoder): Pick<StoredForm, 'lossy' | 'flags'> {
  return { lossy, flags: lossy ? ['lossy-form'] : [] }
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

async function* encoded(message: Message): AsyncIterable<Uint8Array> {
  const encoder = new LfEncoder()
  for await (const chunk of message.open()) yield encoder.push(chunk)
  yield encoder.end()
}

export async function digest(chunks: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

/** A message's file, read. */
export interface Copy {
  readonly path: string
  /** SHA-256 of the file. */
  readonly stored: string
  /** SHA-256 and octets of the message, unless its form cannot be turned back. */
  readonly sha256: string
  readonly size: number
  /** Its first octets, at most those of a long header; only where they were asked for. */
  readonly head?: Buffer
}

/** Undefined where there is no such file. `expected` octets are read at once. */
export async function readCopy(
  path: string,
  newline: Newline,
  { expected = largestPart, withHead = false }: { readonly expected?: number; readonly withHead?: boolean } = {},
): Promise<Copy | undefined> {
  const file = await openRegular(path)
  if (!file) return undefined
  try {
    const stored = createHash('sha256')
    const original = newline === 'lf' ? createHash('sha256') : stored
    const buffer = Buffer.allocUnsafe(Math.min(expected, largestPart - 1) + 1)
    const head: Buffer[] = []
    let size = 0
    for (let length = buffer.length; length === buffer.length;) {
      length = (await file.read(buffer, 0, buffer.length, null)).bytesRead
      const part = buffer.subarray(0, length)
      stored.update(part)
      const message = newline === 'lf' ? lfToCrlf(part) : part
      if (original !== stored) original.update(message)
      if (withHead && size < longestHead) head.push(Buffer.from(message.subarray(0, longestHead - size)))
      size += message.length
    }
    const digest = stored.digest('hex')
    const sha256 = original === stored ? digest : original.digest('hex')
    return { path, stored: digest, sha256, size, ...(withHead && { head: Buffer.concat(head) }) }
  } finally {
    await file.close()
  }
}

const largestPart = 64 * 1024
const longestHead = 256 * 1024
