import { createHash } from 'node:crypto'
import { open, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { createFlags, privateMode } from '../files/create-file.js'
import { ignoreMissing } from '../files/durable.js'
import type { Owner } from '../files/owner.js'
import { Fault } from '../ports/fault.js'
import { AttachmentReader } from '../mail/attachments.js'
import { ArchiveFile, fileDigest } from './eml-zip-archive.js'
import { Contents, type ContentsFile, type Sight } from './eml-zip-contents.js'
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
  /** Called for every message, and every part of a large one. */
  readonly gotOn: () => void
}

/**
 * Builds a volume of a segment's messages, synced to the disk and read back: the whole file by its SHA-256, which is the
 * result, and each message by CRC-32 and its own digest. Undefined where the signal stopped it. What fails leaves no draft.
 */
export async function buildVolume(segment: Segment, options: VolumeOptions): Promise<string | undefined> {
  const { draft, signal } = options
  await unlink(draft).catch(ignoreMissing)
  try {
    const written = await write(segment, options)
    if (written && (await isAsWritten(segment, written, options))) return written.sha256
    if (!signal.aborted) await segment.requireIntact()
    if (!signal.aborted) throw new Fault('io', `${draft} was read back and is not what was written`)
  } catch (error) {
    await unlink(draft).catch(ignoreMissing)
    throw error
  }
  await unlink(draft).catch(ignoreMissing)
  return undefined
}

/** What a draft must be, down to the last octet. */
interface Written {
  readonly sha256: string
  readonly files: readonly ContentsFile[]
}

async function write(segment: Segment, options: VolumeOptions): Promise<Written | undefined> {
  const { draft, compression, mode, owner, signal, gotOn } = options
  const file = await open(draft, createFlags, privateMode)
  try {
    await using reader = new AttachmentReader(signal)
    const contents = new Contents(basename(segment.archive, '.zip'), reader)
    const archive = new ArchiveFile(file, { compression, zip64: segment.size > zip64From })
    try {
      for await (const staged of segment.records()) {
        if (signal.aborted) return undefined
        await add(staged, { archive, contents, segment, gotOn })
        gotOn()
      }
      const files = await contents.files()
      if (signal.aborted) return undefined
      for (const { name, bytes, date } of files) await archive.add(bytes, { name, date, size: bytes.length })
      const sha256 = await archive.finish()
      await file.chmod(mode)
      if (owner) await file.chown(owner.uid, owner.gid)
      await file.sync()
      return { sha256, files }
    } finally {
      await archive.abort()
    }
  } finally {
    await file.close()
  }
}

/** Sizes that are not known before an entry is written, or grow when compressed, may pass 4 GiB on the way. */
const zip64From = 0xf0000000

interface Destination {
  readonly archive: ArchiveFile
  readonly contents: Contents
  readonly segment: Segment
  readonly gotOn: () => void
}

/** A small message is one buffer: sizes and CRC stand before it, as readers of streams want them. */
async function add(staged: Staged, { archive, contents, segment, gotOn }: Destination): Promise<void> {
  const sight = contents.message(staged)
  const entry = { ...staged, date: staged.date ?? 0 }
  if (staged.size > wholeUpTo) {
    await archive.add(Readable.from(seenBytes(staged, { sight, gotOn }), { objectMode: false }), entry)
  } else {
    const bytes = await segment.bytesOf(staged)
    sight.write(bytes)
    await archive.add(bytes, entry)
  }
  await sight.end()
}

async function* seenBytes(
  staged: Staged,
  { sight, gotOn }: { readonly sight: Sight; readonly gotOn: () => void },
): AsyncIterable<Uint8Array> {
  for await (const chunk of stagedBytes(staged)) {
    sight.write(chunk)
    yield chunk
    gotOn()
  }
}

const wholeUpTo = 1024 * 1024

/** False also where the signal stopped it. */
async function isAsWritten(segment: Segment, written: Written, options: VolumeOptions): Promise<boolean> {
  const { draft, signal, gotOn } = options
  if ((await fileDigest(draft, gotOn)) !== written.sha256) return false
  const volume = await Volume.open(draft)
  if (!volume) return false
  try {
    const entries = volume.entries.values()
    const holds = async (name: string, sha256: string): Promise<boolean> => {
      const entry = entries.next().value
      return entry?.fileName === name && (await volume.read(entry))?.sha256 === sha256
    }
    for await (const { name, sha256 } of segment.records()) {
      if (signal.aborted || !(await holds(name, sha256))) return false
      gotOn()
    }
    for (const { name, bytes } of written.files) {
      if (!(await holds(name, createHash('sha256').update(bytes).digest('hex')))) return false
    }
    return entries.next().done === true
  } finally {
    volume.close()
  }
}
