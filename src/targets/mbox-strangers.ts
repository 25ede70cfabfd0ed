import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MboxDecoder, type MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import { fromLines } from './mbox-tail.js'

/**
 * What an mbox held before a lane without a past came to it. If one of the lane's first messages is already there, the
 * ledger was lost, and going on would store everything a second time (ARCHITECTURE, `ledger-missing`).
 */
export class Strangers {
  readonly #path: string
  readonly #digests: ReadonlySet<string>
  #probesLeft = 20

  /** Reads the whole file once. */
  static async in(file: FileHandle, path: string, form: MboxForm): Promise<Strangers> {
    const { size } = await file.stat()
    const { starts } = await fromLines(file, 0, size)
    const digests = new Set<string>()
    for (const [index, start] of starts.entries()) {
      for (const digest of await digestsOf(file, start, starts[index + 1] ?? size, form)) digests.add(digest)
    }
    return new Strangers(path, digests)
  }

  private constructor(path: string, digests: ReadonlySet<string>) {
    this.#path = path
    this.#digests = digests
  }

  refuse(message: Message): void {
    if (this.#probesLeft === 0) return
    this.#probesLeft--
    if (!this.#digests.has(message.sha256)) return
    throw new Fault('ledger-missing', `${this.#path} already holds messages of this account`)
  }
}

/** The digests that the message between two From_ lines may have had: with its final newline, and without. */
async function digestsOf(file: FileHandle, from: number, to: number, form: MboxForm): Promise<readonly string[]> {
  const kept = { decoder: new MboxDecoder(form, false), hash: createHash('sha256') }
  const added = { decoder: new MboxDecoder(form, true), hash: createHash('sha256') }
  for await (const part of storedParts(file, { from, to }, form)) {
    for (const { decoder, hash } of [kept, added]) hash.update(decoder.push(part))
  }
  return [kept, added].map(({ decoder, hash }) => hash.update(decoder.end()).digest('hex'))
}

/** A message's stored form, without the From_ line, our Content-Length line and the blank line behind it. */
async function* storedParts(
  file: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
  form: MboxForm,
): AsyncIterable<Uint8Array> {
  const end = to - (await blankLineBefore(file, to))
  let at = await skipLines(file, from, form.variant === 'mboxcl2' ? 2 : 1)
  const buffer = Buffer.alloc(1024 * 1024)
  while (at < end) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

async function blankLineBefore(file: FileHandle, to: number): Promise<number> {
  const last = Buffer.alloc(Math.min(3, to))
  await file.read(last, 0, last.length, to - last.length)
  if (last.toString('latin1').endsWith('\n\r\n')) return 2
  return last.toString('latin1').endsWith('\n\n') ? 1 : 0
}

/** The offset behind so many lines. */
export async function skipLines(file: FileHandle, from: number, count: number): Promise<number> {
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
