import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from './durable.js'

/** Octets that this user may still write at the path, or where it would be created. */
export async function freeSpace(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return freeSpace(dirname(path))
  }
}
