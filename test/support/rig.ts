import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

/** A folder of its own, removed with everything in it when disposed. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string
  /** A path inside. */
  at(...names: string[]): string
}

export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'popferry-test-'))
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Writes `migrate.yaml` and returns its path. An object gets `version: 1`; its strings are quoted, as secrets must be. */
export async function writePlan(folder: TempFolder, plan: string | object): Promise<string> {
  const path = folder.at('migrate.yaml')
  const text = typeof plan === 'string' ? plan : planText(plan)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

function planText(plan: object): string {
  return stringify({ version: 1, ...plan }, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
}

export interface RunOptions {
  /** The folder it works in. */
  readonly cwd: string
  /** In addition to PATH and TZ. */
  readonly env?: Readonly<Record<string, string>>
  /** For stdin, which is closed behind it. */
  readonly input?: string
  /** Arguments of node itself, such as `--max-old-space-size=64`. */
  readonly nodeArguments?: readonly string[]
  /** What to start in node's stead, with its arguments. */
  readonly node?: string
}

export interface JsonEvent {
  readonly type: string
  readonly time: string
  readonly [field: string]: unknown
}

/** How a run of the program ended. */
export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** With `--json`: the lines of stdout. Throws where one is not a JSON object. */
  readonly events: readonly JsonEvent[]
}

/** The built program while it works; disposing kills it. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  readonly child: ChildProcess
  kill(signal?: NodeJS.Signals): void
  /** Resolves when the program has ended and its output is complete. */
  readonly finished: Promise<Finished>
}

/** Starts `node dist/cmd/popferry.cjs …`; `npm test` has built it. */
export function startPopferry(args: readonly string[], options: RunOptions): Running {
  const child = spawn(options.node ?? process.execPath, [...(options.nodeArguments ?? []), program, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], TZ: 'UTC', ...options.env },
    stdio: 'pipe',
  })
  // A program that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const finished = outcome(child, [collect(child.stdout), collect(child.stderr)])
  // Whoever disposes without looking at the outcome need not handle it.
  finished.catch(() => undefined)
  return {
    pid: child.pid ?? -1,
    child,
    finished,
    kill: (signal = 'SIGKILL') => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await finished.catch(() => undefined)
    },
  }
}

/** Runs the program to its end. */
export async function runPopferry(args: readonly string[], options: RunOptions): Promise<Finished> {
  await using running = startPopferry(args, options)
  return await running.finished
}

async function outcome(child: ChildProcess, output: readonly [() => string, () => string]): Promise<Finished> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  const [stdout, stderr] = [output[0](), output[1]()]
  return {
    code,
    signal,
    stdout,
    stderr,
    get events() {
      const lines = stdout.split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as JsonEvent)
    },
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

export interface StoredFile {
  /** `new` or `cur`. */
  readonly folder: string
  readonly name: string
  readonly bytes: Buffer
  readonly mtime: Date
}

/** The messages of a Maildir by name; fails where `tmp` is not empty or a part is missing. */
export async function readMaildir(path: string): Promise<readonly StoredFile[]> {
  const leftovers = await readdir(join(path, 'tmp'))
  if (leftovers.length > 0) throw new Error(`left in tmp: ${leftovers.join(', ')}`)
  const parts = await Promise.all(['new', 'cur'].map((folder) => readFolder(path, folder)))
  return parts.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function readFolder(path: string, folder: string): Promise<readonly StoredFile[]> {
  const names = await readdir(join(path, folder))
  return Promise.all(
    names.map(async (name) => {
      const file = join(path, folder, name)
      return { folder, name, bytes: await readFile(file), mtime: (await stat(file)).mtime }
    }),
  )
}

export interface MboxMessage {
  /** The From_ line without its line end. */
  readonly fromLine: string
  /** Unquoted, without the blank line that separates messages; line ends as in the file. */
  readonly bytes: Buffer
}

/**
 * The messages of an mboxrd file by the book: a message begins at a `From ` line at the start of the file or behind a
 * blank line. Reads Latin-1 text, since a byte is then a character.
 */
export async function readMboxrd(path: string): Promise<readonly MboxMessage[]> {
  const text = (await readFile(path)).toString('latin1')
  if (text === '') return []
  if (!text.startsWith('From ')) throw new Error('does not begin with a From_ line')
  if (!/\n\r?\n$/.test(text)) throw new Error('does not end in a blank line')
  return text.split(/(?<=^|\n\r?\n)(?=From )/).map((message) => {
    const end = message.indexOf('\n')
    const body = message
      .slice(end + 1)
      .replace(/\r?\n$/, '')
      .replaceAll(/^>(>*From )/gm, '$1')
    return { fromLine: message.slice(0, end).replace(/\r$/, ''), bytes: Buffer.from(body, 'latin1') }
  })
}

const program = fileURLToPath(new URL('../../dist/cmd/popferry.cjs', import.meta.url))
