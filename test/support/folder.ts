import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of one's own, gone at the end of the scope. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  return folderIn(tmpdir())
}

/** The same, in memory where the system has a place for that: for tests with thousands of syncs. */
export async function memoryFolder(): Promise<TemporaryFolder> {
  return folderIn(existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
}

async function folderIn(parent: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(parent, 'popferry-'))
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true })
    },
  }
}
