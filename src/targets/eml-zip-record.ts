import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Flag, MessageKey } from '../ports/message.js'

/** What the staging says of a message, on the line before its bytes. */
export interface StagedFacts {
  readonly key: MessageKey
  readonly sha256: string
  readonly size: number
  /** Its name in the volume. */
  readonly name: string
  /** By the date rule, ms since 1970; null where it has none. */
  readonly date: number | null
  /** When it was staged, ms since 1970. */
  readonly at: number
  readonly flags: readonly Flag[]
}

/** A message in a staging file. */
export interface Staged extends StagedFacts {
  readonly path: string
  /** Of its first octet in the file. */
  readonly offset: number
}

/** The first line of a staging file: where its volume goes. A disk that changes it must not send that elsewhere. */
export function headLine(archive: string): Buffer {
  return Buffer.from(`${JSON.stringify({ archive, check: checkOf(archive) })}\n`)
}

/** What the first line says, and where the next octet is; undefined where it says nothing, or nothing that is right. */
export async function readHead(
  file: FileHandle,
): Promise<{ readonly archive: string; readonly end: number } | undefined> {
  const first = await readLine(file, 0)
  const { archive, check } = (first?.value ?? {}) as { readonly archive?: unknown; readonly check?: unknown }
  // Versions before had no check.
  const right = typeof archive === 'string' && (check === undefined || check === checkOf(archive))
  return first && right ? { archive, end: first.end } : undefined
}

function checkOf(archive: string): string {
  return createHash('sha256').update(archive).digest('hex').slice(0, 16)
}

/** Octets of the line, and the facts on it. */
export function recordLine(facts: StagedFacts): Buffer {
  const { key, sha256, size, name, date, at, flags } = facts
  return Buffer.from(`${JSON.stringify({ key, sha256, size, name, date, at, flags })}\n`)
}

/** The JSON on the line at this offset, and where the next octet is; undefined where there is no whole line. */
async function readLine(
  file: FileHandle,
  offset: number,
): Promise<{ readonly value: unknown; readonly end: number } | undefined> {
  for (let length = usualLine; length <= longestLine; length *= 16) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    const end = buffer.subarray(0, bytesRead).indexOf(lf)
    if (end >= 0) return parsed(buffer.subarray(0, end), offset + end + 1)
    if (bytesRead < length) return undefined
  }
  return undefined
}

/** The messages of a staging file from the offset on, in order; ends before the first one that is not whole. */
export async function* readRecords(
  file: FileHandle,
  { path, from, size }: { readonly path: string; readonly from: number; readonly size: number },
): AsyncIterable<Staged> {
  for (let offset = from; offset < size;) {
    const line = await readLine(file, offset)
    if (!line) return
    const facts = line.value as StagedFacts
    if (!areFacts(facts)) return
    const end = line.end + facts.size
    if (end > size) return
    yield { ...facts, path, offset: line.end }
    offset = end
  }
}

/** After a power cut there may be anything, a line of another staging file included. */
function areFacts(facts: Partial<StagedFacts> | null): boolean {
  if (typeof facts !== 'object' || facts === null) return false
  const { key, sha256, size, name, date, at, flags } = facts
  const texts = [key, sha256, name].every((text) => typeof text === 'string')
  const numbers = [size, date ?? 0, at].every(Number.isSafeInteger)
  return texts && numbers && Number(size) >= 0 && Array.isArray(flags)
}

/** The message's bytes. */
export async function* stagedBytes({ path, offset, size }: Staged): AsyncIterable<Uint8Array> {
  if (size === 0) return
  const stream = createReadStream(path, { start: offset, end: offset + size - 1, highWaterMark: 256 * 1024 })
  for await (const chunk of stream) yield chunk as Uint8Array
}

/** What stands there has the digest that was announced. */
export async function isIntact(staged: Staged): Promise<boolean> {
  const hash = createHash('sha256')
  for await (const chunk of stagedBytes(staged)) hash.update(chunk)
  return hash.digest('hex') === staged.sha256
}

function parsed(line: Buffer, end: number): { readonly value: unknown; readonly end: number } | undefined {
  try {
    return { value: JSON.parse(line.toString()) as unknown, end }
  } catch {
    // After a power cut, what was never synced may hold anything.
    return undefined
  }
}

const lf = 0x0a
const usualLine = 1024
const longestLine = 1024 * 1024
