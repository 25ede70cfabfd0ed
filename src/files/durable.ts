import { chmod, mkdir, open, rmdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { Fault, type FaultCode } from '../ports/fault.js'

const { errno } = constants

const codes: Readonly<Record<string, FaultCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'file-full',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  EROFS: 'not-writable',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
}

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'no space (or no inodes) left on the disk',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file there may not be larger',
  EROFS: 'the file system is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a folder',
}

/** An error of the file system as a Fault of the target; Faults pass through. `action` as in "cannot create". */
export function diskFault(error: unknown, action: string, path: string): Fault {
  if (error instanceof Fault) return error
  const code = errorCode(error)
  const reason = words[code] ?? (error instanceof Error ? error.message : String(error))
  return new Fault(codes[code] ?? 'io', `cannot ${action} ${path}: ${reason}`, { cause: error })
}

/** The system's code such as `ENOENT`, or an empty string. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return ''
  const code = String(error.code)
  // Node.js 20 has no name for EDQUOT: "Unknown system error -122" (QUIRKS FS-02).
  const unnamed = code.startsWith('Unknown system error') && 'errno' in error && error.errno === -errno.EDQUOT
  return unnamed ? 'EDQUOT' : code
}

/** For `catch`: nothing is there. */
export function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error
}

/** Makes the entries of a folder durable: a synced file without its folder's entry is lost all the same (QUIRKS FS-04). */
export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open folders; its file systems journal their entries.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Creates a folder and its missing parents, all of this mode whatever the umask (QUIRKS FS-10), and syncs what it
 * changed. Returns the folders it created, outermost first.
 */
export async function makeDirectory(path: string, mode: number): Promise<readonly string[]> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return []
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    const parents = await makeDirectory(dirname(path), mode)
    return [...parents, ...(await makeDirectory(path, mode))]
  }
  try {
    await chmod(path, mode)
    await syncDirectory(dirname(path))
  } catch (error) {
    // Whoever finds it there takes it for durable.
    await rmdir(path).catch(() => undefined)
    throw error
  }
  return [path]
}
