import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'

export interface Measured {
  readonly seconds: number
  /** The most memory that the process held, MiB. */
  readonly peak: number
}

/** Runs a program to its end and measures it; throws where it fails. */
export async function measure(
  command: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
): Promise<Measured> {
  const [program, ...args] = command
  const started = performance.now()
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] })
  const words: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => words.push(chunk))
  let peak = 0
  const look = setInterval(() => {
    void peakOf(child.pid).then((now) => (peak = Math.max(peak, now)))
  }, 50)
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - started) / 1000
  clearInterval(look)
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(words).toString()}`)
  return { seconds, peak }
}

/** The kernel keeps the maximum itself, so that looking now and then is enough. */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}
