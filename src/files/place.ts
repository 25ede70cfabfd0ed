import { realpathSync } from 'node:fs'
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

/** Like `canonicalPath`, with a link at the end resolved as well. */
export function canonicalFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return canonicalPath(path)
  }
}
