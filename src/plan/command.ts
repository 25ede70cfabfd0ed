import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'

export type Environment = Readonly<Record<string, string | undefined>>

interface Command {
  /** The program and its arguments; no shell sees them. */
  readonly words: readonly [string, ...string[]]
  readonly folder: string
  readonly env: Environment
}

const timeoutMs = 60_000
const maxOutput = 64 * 1024
const pipeMs = 1000

/**
 * Runs a command and resolves with what it printed. Rejects with the Fault `password-command`, which names the program
 * only: arguments and error output may hold secrets (QUIRKS SEC-09). On abort rejects with the signal's reason.
 */
export async function runCommand(command: Command, clock: Clock, signal: AbortSignal): Promise<Uint8Array> {
  signal.throwIfAborted()
  const [program] = command.words
  const child = start(command)
  const ended = new AbortController()
  try {
    const limit = clock.sleep(timeoutMs, AbortSignal.any([signal, ended.signal])).then(() => {
      throw commandFault(program, `did not end within ${timeoutMs / 1000} s`)
    })
    return await Promise.race([outputOf(child, program), limit])
  } finally {
    ended.abort()
    child.kill('SIGKILL')
    // A grandchild may hold the pipe open: nothing waits for it.
    child.stdout.destroy()
  }
}

function start({ words: [program, ...rest], folder, env }: Command): ChildProcessByStdio<null, Readable, null> {
  try {
    return spawn(program, rest, { cwd: folder, env: { ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch (error) {
    throw startFault(program, error)
  }
}

/** Some errors are thrown, others come as an event. None is kept as the cause: they repeat the arguments. */
function startFault(program: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  return commandFault(program, `could not be started (${code})`)
}

export function commandFault(program: string, problem: string): Fault {
  // `TOKEN=hunter2 helper` is written for a shell: what looks like its program holds a secret.
  const shown = program.includes('=') ? program.replace(/=.*/s, '=***') : program
  return new Fault('password-command', `the command "${shown}" ${problem}`)
}

function outputOf(child: ChildProcessByStdio<null, Readable, null>, program: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    child.stdout.on('data', (chunk: Uint8Array) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > maxOutput) reject(commandFault(program, 'printed far more than a secret'))
    })
    child.on('error', (error) => {
      reject(startFault(program, error))
    })
    const finish = (code: number | null, killedBy: NodeJS.Signals | null): void => {
      if (code === 0) resolve(Buffer.concat(chunks))
      else
        reject(
          commandFault(program, code === null ? `was ended by ${String(killedBy)}` : `failed with exit code ${code}`),
        )
    }
    child.on('close', finish)
    // A grandchild may keep the pipe open: what the child itself has printed comes soon.
    child.on('exit', (code, killedBy) => {
      setTimeout(finish, pipeMs, code, killedBy).unref()
    })
  })
}
