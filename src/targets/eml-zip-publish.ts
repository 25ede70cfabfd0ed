import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createFlags, privateMode } from '../files/create-file.js'
import { errorCode, ignoreMissing, syncDirectory } from '../files/durable.js'
import type { Volume } from '../ports/target.js'
import { fileDigest } from './eml-zip-archive.js'
import { volumePath } from './eml-zip-library.js'

/** A volume on its way to its name. */
export interface Announcement {
  /** The segment that it holds. */
  readonly segment: number
  readonly archive: string
  readonly number: number
  readonly sha256: string
  /** What it holds, and its own octets; absent where a version before these were recorded announced it. */
  readonly messages?: number
  readonly bytes?: number
}

/** What the ledger is told of a volume that has its name. */
export function volumeOf({ archive, number, sha256, messages = 0, bytes = 0 }: Announcement): Volume {
  return { path: volumePath(archive, number), sha256, messages, bytes }
}

/** Where the volumes of an archive are built, one after the other. */
export function draftPath(archive: string): string {
  return join(dirname(archive), `.${basename(archive)}.popferry-draft`)
}

/** The first number from `from` on whose name nobody has taken. */
export async function freeNumber(archive: string, from: number): Promise<number> {
  for (let number = from; ; number++) if (!(await exists(volumePath(archive, number)))) return number
}

/**
 * Gives the draft its final name, durably, unless somebody has taken that name: then false. Nothing is ever overwritten
 * (QUIRKS FS-10), and no one sees a volume that is not whole.
 */
export async function publish({ archive, number }: Announcement): Promise<boolean> {
  const draft = draftPath(archive)
  const path = volumePath(archive, number)
  try {
    await link(draft, path)
    await unlink(draft)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    if (!linkless.has(errorCode(error)) || (await exists(path))) throw error
    if (!(await reserve(path))) return false
    await rename(draft, path)
  }
  await syncDirectory(dirname(path))
  return true
}

/**
 * Whether a dead run's volume has its name; its draft is removed. What has the name and not the announced digest is
 * somebody else's, except an empty file beside a draft, which reserved the name where links do not exist.
 */
export async function wasPublished({ archive, number, sha256 }: Announcement): Promise<boolean> {
  const draft = draftPath(archive)
  const path = volumePath(archive, number)
  const published = await isFileOf(path, sha256)
  if (published) await syncDirectory(dirname(path))
  else if ((await isEmpty(path)) && (await exists(draft))) await unlink(path)
  await unlink(draft).catch(ignoreMissing)
  return published
}

async function isFileOf(path: string, sha256: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile() && (await fileDigest(path)) === sha256
  } catch (error) {
    // What we may not read is not ours.
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error))) throw error
    return false
  }
}

async function isEmpty(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(ignoreMissing)
  return facts !== undefined && facts.isFile() && facts.size === 0
}

async function reserve(path: string): Promise<boolean> {
  try {
    await (await open(path, createFlags, privateMode)).close()
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(ignoreMissing)) !== undefined
}

/** How file systems say that they have no hard links: exFAT, SMB, some of FUSE. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
