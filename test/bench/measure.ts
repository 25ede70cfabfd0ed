import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Command {
  readonly args: readonly [string, ...string[]]
  /** In addition to what every command gets. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface Measured {
  readonly seconds: number
  /** Seconds of CPU, user and system, of it and all that it started. */
  readonly cpu: number
  /** The most memory that its largest process held, MiB. */
  readonly peak: number
}

/** Runs a program to its end and measures it; throws where it fails. Needs python3. */
export async function measure(command: Command, folder: string): Promise<Measured> {
  const { stdout, stderr } = await runIn(folder, {
    ...command,
    args: ['python3', '-S', '-E', script, String(limitSeconds), ...command.args],
  })
  const { code, ...measured } = JSON.parse(stdout) as Measured & { readonly code: number }
  if (measured.seconds >= limitSeconds) throw new Error(`${command.args.join(' ')} took more than ${limitSeconds} s`)
  if (code !== 0) throw new Error(`${command.args.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`)
  return measured
}

/** Each command meets the same environment, whoever runs the benchmark; its temporary files stay in its folder. */
export async function runIn(
  folder: string,
  { args, environment }: Command,
): Promise<{ stdout: string; stderr: string }> {
  const [program, ...rest] = args
  const PATH = process.env['PATH']
  const env = { PATH, HOME: folder, TMPDIR: `${folder}/temporary`, LC_ALL: 'C', TZ: 'UTC', ...environment }
  return run(program, rest, { cwd: folder, env, maxBuffer: 2 ** 26 })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/** A program that hangs shall not hold up the others. */
const limitSeconds = 1_200
const script = fileURLToPath(new URL('measure.py', import.meta.url))
