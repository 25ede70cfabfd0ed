import { constants } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import type { Owner } from './owner.js'

interface FileFacts {
  /** Permission bits, whatever the umask. */
  readonly mode: number
  /** ms since 1970. */
  readonly mtime: number
  readonly owner: Owner | undefined
}

/** A file to be written at `draft` and moved to `place`, in the same file system. */
export interface NewFile extends FileFacts {
  readonly draft: string
  readonly place: string
}

/**
 * Creates one file that did not exist, synced to the disk, from bytes that do not fit into memory, and moves it to its
 * place. What fails leaves no draft.
 */
export async function createStreamedFile(
  { draft, place, ...facts }: NewFile,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    await write(draft, chunks, facts)
    await rename(draft, place)
  } catch (error) {
    await unlink(draft).catch(() => undefined)
    throw error
  }
}

async function write(path: string, chunks: AsyncIterable<Uint8Array>, facts: FileFacts): Promise<void> {
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

/** Never follows a link (QUIRKS FS-10). */
export const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** No umask in use takes a bit away from this one. */
export const privateMode = 0o600
