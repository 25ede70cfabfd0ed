import { randomBytes } from 'node:crypto'
import { lstat, open, opendir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../ports/fault.js'
import { diskFault, errorCode, ignoreMissing } from './durable.js'
import { freeSpace } from './free-space.js'

/**
 * Makes a file in the folder and removes it at once; where the folder is missing, in the nearest one above it, in which it
 * would be created. Resolves with the octets that this user may still write there; throws a Fault of the target.
 */
export async function probeFolder(folder: string): Promise<number> {
  const existing = await nearestFolder(folder)
  const path = join(existing, `${prefix}${randomBytes(6).toString('hex')}`)
  try {
    // Who cannot list the folder may write there all the same.
    await sweep(existing).catch(() => undefined)
    const file = await open(path, 'wx', 0o600)
    try {
      // Where the disk or a quota is full, it is the octets that are refused, and some say so only at the sync.
      await file.writeFile(content)
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

/** Removes what killed checks have left; that of one at work is younger. */
async function sweep(folder: string): Promise<void> {
  for await (const { name } of await opendir(folder, { bufferSize: 1024 })) {
    if (!pattern.test(name)) continue
    const path = join(folder, name)
    const facts = await lstat(path).catch(ignoreMissing)
    const isLeft = facts?.isFile() && facts.size <= content.length && Date.now() - facts.mtimeMs > longestMs
    if (isLeft) await unlink(path).catch(ignoreMissing)
  }
}

const prefix = '.popferry-probe-'
const pattern = /^\.popferry-probe-[0-9a-f]{12}$/
const content = 'popferry check\n'
/** So long a disk may take for a few octets. */
const longestMs = 10 * 60_000

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
