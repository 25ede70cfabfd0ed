import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** The files under a folder by their paths: when each was changed, and the SHA-256 of its bytes. */
export async function snapshot(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const digest = createHash('sha256').update(await readFile(path))
    files.set(path, `${(await stat(path)).mtimeMs} ${digest.digest('hex')}`)
  }
  return files
}
