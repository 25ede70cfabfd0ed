import { randomBytes } from 'node:crypto'
import { lstat, open, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../ports/fault.js'
import { diskFault, errorCode } from './durable.js'
import { freeSpace } from './free-space.js'

/**
 * Makes a file in the folder and removes it at once; where the folder is missing, in the nearest one above it, in which it
 * would be created. Resolves with the octets that this user may still write there; throws a Fault of the target.
 */
export async function probeFolder(folder: string): Promise<number> {
  const existing = await nearestFolder(folder)
  const path = join(existing, `.popferry-probe-${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      // Where the disk or a quota is full, it is the octets that are refused, and some say so only at the sync.
      await file.writeFile('popferry check\n')
      await file.sync()
    } finally {
      await file.close()
      await unlink(path)
    }
    return await freeSpace(existing)
  } catch (error) {
    throw diskFault(error, 'write in', existing)
  }
}

async function nearestFolder(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return path
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT' && !(await standsAt(path))
    if ((missing || errorCode(error) === 'ENOTDIR') && dirname(path) !== path) return nearestFolder(dirname(path))
    if (errorCode(error) !== 'ENOENT') throw diskFault(error, 'use', path)
    throw new Fault('not-writable', `${path} is a link to nothing`, {
      hint: 'is the disk mounted? Else change the link',
    })
  }
  throw new Fault('not-writable', `${path} is not a folder`, { hint: 'choose another path, or move what stands there' })
}

async function standsAt(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
