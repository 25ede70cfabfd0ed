import { close, constants, fchmod, fchown, fsync, futimes, open as openFile, write as writeBytes } from 'node:fs'
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
 * One chain of callbacks: a promise for each system call costs more than the calls on a fast disk.
 */
export async function createFile(path: string, bytes: Uint8Array, facts: FileFacts): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    openFile(path, createFlags, facts.mode, (error, descriptor) => {
      if (error) reject(error)
      else new Chain(descriptor, resolve, reject).run(bytes, facts)
    })
  })
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

class Chain {
  readonly #descriptor: number
  readonly #resolve: () => void
  readonly #reject: (error: Error) => void

  constructor(descriptor: number, resolve: () => void, reject: (error: Error) => void) {
    this.#descriptor = descriptor
    this.#resolve = resolve
    this.#reject = reject
  }

  run(bytes: Uint8Array, facts: FileFacts): void {
    this.#write(bytes, 0, () => {
      this.#setMode(facts.mode, () => {
        this.#setOwner(facts.owner, () => {
          futimes(
            this.#descriptor,
            facts.mtime / 1000,
            facts.mtime / 1000,
            this.#then(() => {
              fsync(
                this.#descriptor,
                this.#then(() => {
                  this.#close()
                }),
              )
            }),
          )
        })
      })
    })
  }

  #write(bytes: Uint8Array, from: number, next: () => void): void {
    if (from >= bytes.length) {
      next()
      return
    }
    writeBytes(this.#descriptor, bytes, from, bytes.length - from, null, (error, written) => {
      if (error) this.#fail(error)
      else this.#write(bytes, from + written, next)
    })
  }

  #setMode(mode: number, next: () => void): void {
    if (mode === privateMode) next()
    else fchmod(this.#descriptor, mode, this.#then(next))
  }

  #setOwner(owner: Owner | undefined, next: () => void): void {
    if (owner) fchown(this.#descriptor, owner.uid, owner.gid, this.#then(next))
    else next()
  }

  #then(next: () => void): (error: Error | null) => void {
    return (error) => {
      if (error) this.#fail(error)
      else next()
    }
  }

  #close(): void {
    // A late ENOSPC or EDQUOT of a network file system shows here (QUIRKS FS-02).
    close(this.#descriptor, (error) => {
      if (error) this.#reject(error)
      else this.#resolve()
    })
  }

  #fail(error: Error): void {
    close(this.#descriptor, () => {
      this.#reject(error)
    })
  }
}
