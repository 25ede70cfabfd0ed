import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsync,
  futimesSync,
  open as openFile,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { rename, unlink } from 'node:fs/promises'
import { createFlags, type NewFile, privateMode } from './create-file.js'
import { errorCode } from './durable.js'

/** A new file that is in memory. */
export interface FilledFile extends NewFile {
  readonly bytes: Uint8Array
}

/**
 * Creates files that did not exist, synced to the disk, and moves each to its place; never follows a link (QUIRKS
 * FS-10). A group goes through each step together: ext4 makes whoever creates or renames wait while a sync writes the
 * journal, and the syncs of a group share one journal commit.
 */
export class FileMaker {
  /** Handing a call over to another thread costs more than the call, unless a server has to be asked. */
  #remote = false

  /** Resolves with each file's error, in order; what failed leaves no draft. */
  async make(files: readonly FilledFile[]): Promise<readonly (Error | undefined)[]> {
    const began = performance.now()
    const drafts = await Promise.all(files.map(async (file) => this.#create(file)))
    this.#remote = performance.now() - began > remoteMs * files.length
    await syncAll(drafts)
    const errors = await Promise.all(drafts.map(async (draft) => this.#place(draft)))
    // Those before them have left room now. Where not even one could be opened, others hold everything.
    const late = [...errors.keys()].filter((index) => exhausted.has(errorCode(errors[index])))
    if (late.length === 0 || late.length === files.length) return errors
    const again = await this.make(files.filter((_, index) => late.includes(index)))
    for (const [at, index] of late.entries()) errors[index] = again[at]
    return errors
  }

  async #create(file: FilledFile): Promise<Draft> {
    const draft: Draft = { file, descriptor: undefined, error: undefined }
    try {
      const { draft: path, mode, mtime, owner, bytes } = file
      const descriptor = this.#remote ? await openNew(path, mode) : openSync(path, createFlags, mode)
      draft.descriptor = descriptor
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
      if (mode !== privateMode) fchmodSync(descriptor, mode)
      if (owner) fchownSync(descriptor, owner.uid, owner.gid)
      futimesSync(descriptor, mtime / 1000, mtime / 1000)
    } catch (error) {
      draft.error = asError(error)
    }
    return draft
  }

  async #place({ file, descriptor, error }: Draft): Promise<Error | undefined> {
    if (descriptor === undefined) return error
    try {
      // A late ENOSPC or EDQUOT of a network file system shows here (QUIRKS FS-02).
      closeSync(descriptor)
      if (error) return await discard(file, error)
      if (this.#remote) await rename(file.draft, file.place)
      else renameSync(file.draft, file.place)
      return undefined
    } catch (failure) {
      return discard(file, asError(failure))
    }
  }
}

/** A file on its way. */
interface Draft {
  readonly file: FilledFile
  descriptor: number | undefined
  error: Error | undefined
}

async function syncAll(drafts: readonly Draft[]): Promise<void> {
  const written = drafts.filter(({ descriptor, error }) => descriptor !== undefined && !error)
  if (written.length === 0) return
  await new Promise<void>((resolve) => {
    let left = written.length
    for (const draft of written) {
      fsync(draft.descriptor ?? -1, (error) => {
        if (error) draft.error = error
        if (--left === 0) resolve()
      })
    }
  })
}

async function discard({ draft }: FilledFile, error: Error): Promise<Error> {
  await unlink(draft).catch(() => undefined)
  return error
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

const openNew = async (path: string, mode: number): Promise<number> =>
  new Promise((resolve, reject) => {
    openFile(path, createFlags, mode, (error, descriptor) => {
      if (error) reject(error)
      else resolve(descriptor)
    })
  })

/** The process or the system may open no more files. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

/** Local file systems create a file in a tenth of this, ms. */
const remoteMs = 1
