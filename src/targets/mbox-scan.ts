import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MboxDecoder, type MboxForm } from '../mail/mbox.js'

/**
 * The offsets of all lines that start with `From `, in the part of an mbox that begins at `from`; the beginning of such
 * a line at the very end counts as well, because a kill may leave no more of it. Here as below, `gotOn` is called for each
 * part that was read.
 */
export async function fromLines(
  file: FileHandle,
  from: number,
  size: number,
  gotOn?: () => void,
): Promise<readonly number[]> {
  const starts: number[] = []
  const buffer = Buffer.allocUnsafe(Math.min(chunkSize, Math.max(0, size - from)))
  // `from` counts as the start of a line: in front of the first part stands a line end that is not in the file.
  let before = lineStart.subarray(0, 1)
  for (let at = from; at < size;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) break
    const part = Buffer.concat([before, buffer.subarray(0, bytesRead)])
    const first = at - before.length
    at += bytesRead
    gotOn?.()
    for (let hit = part.indexOf(lineStart); hit >= 0; hit = part.indexOf(lineStart, hit + 1))
      starts.push(first + hit + 1)
    // One octet less than a From_ line's start: no hit is seen twice.
    before = part.subarray(-(lineStart.length - 1))
  }
  for (let length = before.length; length > 1; length--) {
    if (before.subarray(-length).equals(lineStart.subarray(0, length))) starts.push(size - length + 1)
  }
  return starts
}

/** What a message in an mbox may have been. */
export interface Reading {
  readonly sha256: string
  /** Its final newline is the mbox's. */
  readonly newlineAdded: boolean
}

/** What the message between two From_ lines, or behind the last, may have been: with its final newline, and without. */
export async function readings(
  file: FileHandle,
  { from, end }: Extent,
  form: MboxForm,
  gotOn?: () => void,
): Promise<readonly [Reading, Reading]> {
  const kept = { decoder: new MboxDecoder(form, false), hash: createHash('sha256') }
  const added = { decoder: new MboxDecoder(form, true), hash: createHash('sha256') }
  const start = await skipLines(file, from, form.variant === 'mboxcl2' ? 2 : 1)
  for await (const part of octets(file, start, end)) {
    for (const { decoder, hash } of [kept, added]) hash.update(decoder.push(part))
    gotOn?.()
  }
  for (const { decoder, hash } of [kept, added]) hash.update(decoder.end())
  return [
    { sha256: kept.hash.digest('hex'), newlineAdded: false },
    { sha256: added.hash.digest('hex'), newlineAdded: true },
  ]
}

/** A message from its From_ line on, without the blank line behind it. */
export interface Extent {
  readonly from: number
  readonly end: number
}

/** The message from one From_ line to the next, or to the end of the file. */
export async function extent(file: FileHandle, from: number, next: number): Promise<Extent> {
  const last = Buffer.alloc(Math.min(3, next))
  await file.read(last, 0, last.length, next - last.length)
  const text = last.toString('latin1')
  return { from, end: next - (text.endsWith('\n\r\n') ? 2 : text.endsWith('\n\n') ? 1 : 0) }
}

/** The offset behind so many lines. */
async function skipLines(file: FileHandle, from: number, count: number): Promise<number> {
  const buffer = Buffer.alloc(1024)
  let at = from
  for (let line = 0; line < count; line++) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a)
    if (end < 0) return at + bytesRead
    at += end + 1
  }
  return at
}

async function* octets(file: FileHandle, from: number, end: number): AsyncIterable<Uint8Array> {
  // Most messages are small, and an mbox may hold very many.
  const buffer = Buffer.allocUnsafe(Math.min(chunkSize, Math.max(0, end - from)))
  for (let at = from; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

const chunkSize = 1024 * 1024
const lineStart = Buffer.from('\nFrom ')
