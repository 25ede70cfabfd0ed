import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What a program does to a disk. */
export const calls = ['open', 'write', 'sync', 'rename', 'link', 'unlink', 'truncate', 'close'] as const
export type Call = (typeof calls)[number]

/** `kill`: SIGKILL before the call; `torn`: in the middle of what is written; else an error, once or from then on. */
export type DiskFault = 'kill' | 'torn' | 'ENOSPC' | 'EDQUOT' | 'EIO'

const numbers = { ENOSPC: '28', EDQUOT: '122', EIO: '5' }

export interface FaultyCall {
  readonly folder: string
  readonly call: Call
  readonly fault: DiskFault
  /** Which of these calls below the folder, from 1. */
  readonly at: number
  /** All later calls of the kind fail as well. */
  readonly stays?: boolean
}

/** The library that lets calls fail, compiled; or why there is none. */
export async function faultyDisk(): Promise<{ readonly library: string } | { readonly missing: string }> {
  if (process.platform !== 'linux') return { missing: 'only Linux lets a library take the place of system calls' }
  const source = fileURLToPath(new URL('faulty-disk.c', import.meta.url))
  const library = join(tmpdir(), `popferry-faulty-disk-${process.pid}.so`)
  try {
    await promisify(execFile)('cc', ['-O2', '-shared', '-fPIC', '-Wall', '-Werror', '-o', library, source, '-ldl'])
    return { library }
  } catch (error) {
    return { missing: `there is no C compiler: ${error instanceof Error ? error.message.split('\n')[0] : 'cc fails'}` }
  }
}

/** For the environment of the program whose disk fails. */
export function failing(library: string, { folder, call, fault, at, stays }: FaultyCall): Record<string, string> {
  return {
    LD_PRELOAD: library,
    DISK_ROOT: folder,
    DISK_CALL: call,
    DISK_AT: String(at),
    DISK_FAULT: fault in numbers ? numbers[fault as keyof typeof numbers] : fault,
    ...(stays && { DISK_STAYS: '1' }),
  }
}

/** For one whose calls are counted. */
export function counting(library: string, folder: string, call: Call, tally: string): Record<string, string> {
  return { LD_PRELOAD: library, DISK_ROOT: folder, DISK_CALL: call, DISK_AT: '0', DISK_TALLY: tally }
}

export async function counted(tally: string): Promise<number> {
  return stat(tally).then(
    ({ size }) => size,
    () => 0,
  )
}
