import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const isRoot = process.getuid?.() === 0

/** Whether this process may mount a small file system, to fill it: root on Linux, outside most containers. */
export const canMount = isRoot && process.platform === 'linux' && mountWorks()

export const hasPython = spawnSync('python3', ['-c', 'import mailbox']).status === 0

/** A small file system at `path`, gone at the end of the scope. */
export function mountTmpfs(path: string, options: string): Disposable {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', path]) }
}

export function remount(path: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, path])
}

function mountWorks(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'popferry-mount-'))
  try {
    mountTmpfs(path, 'size=64k')[Symbol.dispose]()
    return true
  } catch {
    return false
  } finally {
    rmdirSync(path)
  }
}

/** The most that a process has had in memory so far, as only Linux says. */
export async function peakMemoryMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  if (peak === undefined) throw new Error(`process ${pid} has ended`)
  return Number(peak) / 1024
}
