import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * One folder for everything that a benchmark writes, removed when all of it is over: ext4 looks for a free inode past
 * those that were deleted a moment ago, so whoever creates files after others were deleted waits several times as long.
 */
export function setup(): () => void {
  try {
    execFileSync('python3', ['-c', 'import mailbox, resource, ssl'], { stdio: 'ignore' })
  } catch {
    throw new Error('the benchmark needs python3: it measures CPU and memory with it, and reads what arrived')
  }
  const folder = mkdtempSync(join(tmpdir(), 'popferry-bench-'))
  // Dovecot works as another user than root.
  chmodSync(folder, 0o711)
  process.env['BENCH_FOLDER'] = folder
  return () => {
    rmSync(folder, { recursive: true, force: true })
  }
}
