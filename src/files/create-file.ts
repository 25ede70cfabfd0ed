import { closeSync, constants, fchmodSync, fchownSync, fsync, futimesSync, open as openFile, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Owner } from './owner.js'

export interface FileFacts {
  /** Permission bits, whatever the umask. */
  readonly mode: number
  /** ms since 1970. */
  readonly mtime: number
  readonly owner: Owner | undefined
}

/**
 * Creates a file that did not exist, with these bytes, synced to the disk. Never follows a link (QUIRKS FS-10).
 * Only what may wait for the disk goes to another thread: handing over costs more than filling the cache.
 */
export async function createFile(path: string, bytes: Uint8Array, facts: FileFacts): Promise<void> {
  const descriptor = await openNew(path, facts.mode)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
    if (facts.mode !== privateMode) fchmodSync(descriptor, facts.mode)
    if (facts.owner) fchownSync(descriptor, facts.owner.uid, facts.owner.gid)
    futimesSync(descriptor, facts.mtime / 1000, facts.mtime / 1000)
    await sync(descriptor)
  } finally {
    // A late ENOSPC or EDQUOT of a network file system shows here (QUIRKS FS-02).
    closeSync(descriptor)
  }
}

/** The same for bytes that do not fit into memory. */
export async function createStreamedFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  facts: FileFacts,
): Promise<void> {
  const file = await open(path, createFlags, facts.mode)
  try {
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten
    }
    if (facts.mode !== privateMode) await file.chmod(facts.mode)
    if (facts.owner) await file.chown(facts.owner.uid, facts.owner.gid)
    await file.utimes(facts.mtime / 1000, facts.mtime / 1000)
    await file.sync()
  } finally {
    await file.close()
  }
}

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** No umask in use takes a bit away from this one. */
const privateMode = 0o600

const openNew = async (path: string, mode: number): Promise<number> =>
  new Promise((resolve, reject) => {
    openFile(path, createFlags, mode, (error, descriptor) => {
      if (error) reject(error)
      else resolve(descriptor)
    })
  })

const sync = async (descriptor: number): Promise<void> =>
  new Promise((resolve, reject) => {
    fsync(descriptor, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
