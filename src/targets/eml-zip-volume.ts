import { open, unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createFlags, privateMode } from '../files/create-file.js'
import { errorCode } from '../files/durable.js'
import type { Owner } from '../files/owner.js'
import { Fault } from '../ports/fault.js'
import { ArchiveFile, fileDigest } from './eml-zip-archive.js'
import { Volume } from './eml-zip-library.js'
import { type Staged, stagedBytes } from './eml-zip-record.js'
import type { Segment } from './eml-zip-segment.js'

export interface VolumeOptions {
  /** Where it is built, in the folder of its final name. */
  readonly draft: string
  readonly compression: number
  readonly mode: number
  readonly owner: Owner | undefined
  readonly signal: AbortSignal
}

/**
 * Builds a volume of a segment's messages, synced to the disk and read back: the whole file by its SHA-256, which is the
 * result, and each message by CRC-32 and its own digest. Undefined where the signal stopped it. What fails leaves no draft.
 */
export async function buildVolume(segment: Segment, options: VolumeOptions): Promise<string | undefined> {
  const { draft, signal } = options
  await unlink(draft).catch(ignoreMissing)
  try {
    const sha256 = await write(segment, options)
    if (sha256 !== undefined && (await isAsWritten(segment, sha256, options))) return sha256
    if (!signal.aborted) throw new Fault('io', `${draft} was read back and is not what was written`)
  } catch (error) {
    await unlink(draft).catch(ignoreMissing)
    throw error
  }
  await unlink(draft).catch(ignoreMissing)
  return undefined
}

async function write(segment: Segment, options: VolumeOptions): Promise<string | undefined> {
  const { draft, compression, mode, owner, signal } = options
  const file = await open(draft, createFlags, privateMode)
  try {
    const archive = new ArchiveFile(file, { compression, zip64: segment.size > zip64From })
    try {
      for await (const staged of segment.records()) {
        if (signal.aborted) return undefined
        await archive.add(await sourceOf(staged), { ...staged, date: staged.date ?? 0 })
      }
      const sha256 = await archive.finish()
      await file.chmod(mode)
      if (owner) await file.chown(owner.uid, owner.gid)
      await file.sync()
      return sha256
    } finally {
      await archive.abort()
    }
  } finally {
    await file.close()
  }
}

/** Sizes that are not known before an entry is written, or grow when compressed, may pass 4 GiB on the way. */
const zip64From = 0xf0000000

/** A small message is one buffer: sizes and CRC stand before it, as readers of streams want them. */
async function sourceOf(staged: Staged): Promise<Readable | Buffer> {
  if (staged.size > wholeUpTo) return Readable.from(stagedBytes(staged), { objectMode: false })
  const chunks: Uint8Array[] = []
  for await (const chunk of stagedBytes(staged)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const wholeUpTo = 1024 * 1024

/** False also where the signal stopped it. */
async function isAsWritten(segment: Segment, sha256: string, { draft, signal }: VolumeOptions): Promise<boolean> {
  if ((await fileDigest(draft)) !== sha256) return false
  const volume = await Volume.open(draft)
  if (!volume) return false
  try {
    const entries = volume.entries.values()
    for await (const staged of segment.records()) {
      if (signal.aborted) return false
      const entry = entries.next().value
      if (entry?.fileName !== staged.name || (await volume.read(entry))?.sha256 !== staged.sha256) return false
    }
    return true
  } finally {
    volume.close()
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}
