import { realpathSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from './durable.js'

/**
 * One spelling for every way to write a path: links in the part that exists are resolved. The last component stays as it
 * is, so that a link there can be refused by whoever opens it.
 */
export function canonicalPath(path: string): string {
  const parent = dirname(path)
  if (parent === path) return path
  try {
    return join(realpathSync(parent), basename(path))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') return path
    return join(canonicalPath(parent), basename(path))
  }
}

/** The device of a path, or of where it would be created. */
export async function deviceOf(path: string): Promise<number> {
  const identity = await folderIdentity(path)
  return identity || dirname(path) === path ? (identity?.dev ?? 0) : deviceOf(dirname(path))
}

/** Like `canonicalPath`, with a link at the end resolved as well. */
export function canonicalFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return canonicalPath(path)
  }
}

/**
 * Which folder it is, however it is called: a disk that went away leaves an empty folder of the same name (QUIRKS FS-08).
 * Undefined where there is none.
 */
export async function folderIdentity(
  path: string,
): Promise<{ readonly dev: number; readonly ino: number } | undefined> {
  try {
    const { dev, ino } = await lstat(path)
    return { dev, ino }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}
