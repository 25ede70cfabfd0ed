import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type RunOptions, type Running, startPopferry } from './rig.js'

/** Whether a program can be given a terminal: by Python's `pty`. */
export const hasTerminals = process.platform === 'linux' && python()

/** The built program on a terminal of that size; what it shows comes from `child.stdout`. */
export function startInTerminal(
  args: readonly string[],
  { rows, columns }: { readonly rows: number; readonly columns: number },
  options: RunOptions,
): Running {
  const nodeArguments = [script, String(rows), String(columns), process.execPath, ...(options.nodeArguments ?? [])]
  return startPopferry(args, {
    ...options,
    node: 'python3',
    nodeArguments,
    env: { TERM: 'xterm-256color', ...options.env },
  })
}

function python(): boolean {
  try {
    execFileSync('python3', ['-c', 'import pty, sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const script = fileURLToPath(new URL('on-terminal.py', import.meta.url))
