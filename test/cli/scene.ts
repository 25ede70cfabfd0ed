import { createHash } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type FakeOptions, FakePop3Server } from '../support/fake-pop3-server.js'
import {
  type Finished,
  readMaildir,
  readMboxrd,
  type RunOptions,
  runPopferry,
  type Running,
  startPopferry,
  type TempFolder,
  tempFolder,
  writePlan,
} from '../support/rig.js'

/** A server, a folder, and a plan that copies alice's maildrop into the Maildir `mail/alice` and `mail/alice.mbox`. */
export interface Scene extends AsyncDisposable {
  readonly server: FakePop3Server
  readonly folder: TempFolder
  /** Runs the program in the folder. */
  run(args: readonly string[], options?: Partial<RunOptions>): Promise<Finished>
  start(args: readonly string[], options?: Partial<RunOptions>): Running
  /** Writes the plan anew: with these settings beside `accounts`, or instead of it. */
  plan(plan: object): Promise<void>
}

export interface SceneOptions extends FakeOptions {
  /** As in `Scene.plan`; once the server is known. */
  readonly plan?: (server: FakePop3Server) => object
  /** In addition to the server's own `source`. */
  readonly source?: object
}

const twoTargets = [
  { type: 'maildir', path: 'mail/{account}' },
  { type: 'mbox', path: 'mail/{account}.mbox' },
]

export const threeMessages = ['one', 'two', 'three'].map((word) => `Subject: ${word}\r\n\r\nText ${word}.\r\n`)

/** What the program says to a terminal or a log must not move a cursor or hide text; line feeds end its lines. */
export const rawControl = /[^\P{C}\n]|[\p{Zl}\p{Zp}\ufffd]/u

export async function openScene({ plan, source = {}, ...options }: SceneOptions = {}): Promise<Scene> {
  const server = await FakePop3Server.start({ messages: threeMessages, ...options })
  const folder = await tempFolder()
  const accounts = [{ name: 'alice', source: { ...server.source(), ...source }, targets: twoTargets }]
  // Pauses that a test can wait for.
  const retry = { attempts: 2, minDelay: '1ms', maxDelay: '2ms' }
  const write = async (more: object): Promise<void> => {
    await writePlan(folder, { retry, accounts, ...more })
  }
  await write(plan?.(server) ?? {})
  return {
    server,
    folder,
    run: (args, more) => runPopferry(args, { cwd: folder.path, ...more }),
    start: (args, more) => startPopferry(args, { cwd: folder.path, ...more }),
    plan: write,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** An account that goes into one Maildir named like it. */
export function account(name: string, source: object): object {
  return { name, source, targets: [{ type: 'maildir', path: '{account}' }] }
}

/** The subjects of all messages at each target, sorted: a message that stands there twice shows twice. */
export async function storedSubjects({ folder }: Scene): Promise<{ readonly maildir: string; readonly mbox: string }> {
  const subject = ({ bytes }: { readonly bytes: Buffer }): string => /Subject: (\w+)/.exec(String(bytes))?.[1] ?? '?'
  const maildir = await readMaildir(folder.at('mail', 'alice'))
  const mbox = await readMboxrd(folder.at('mail', 'alice.mbox'))
  return { maildir: maildir.map(subject).toSorted().join(' '), mbox: mbox.map(subject).toSorted().join(' ') }
}

export const all = { maildir: 'one three two', mbox: 'one three two' }

/** Every file and folder below a path: modes, and times and contents of files; empty where there is nothing. */
export async function snapshot(path: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(path, { recursive: true }).catch(() => [])
  const entries = names.toSorted().map(async (name) => {
    const file = join(path, name)
    const { mode, mtimeMs, size } = await lstat(file)
    // A lock comes and goes in a folder, which changes its time.
    if ((mode & 0o170000) === 0o040000) return [relative(path, file), mode.toString(8)]
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    return [relative(path, file), `${mode.toString(8)} ${mtimeMs} ${size} ${digest}`]
  })
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>
}

/** Resolves as soon as the program has printed this; rejects when it ends without. */
export async function printed({ child, finished }: Running, text: string): Promise<void> {
  let output = ''
  const seen = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += String(chunk)
        if (output.includes(text)) resolve()
      })
    }
  })
  const ended = finished.then(({ stdout, stderr }) => {
    if (!output.includes(text)) throw new Error(`ended without ${text}:\n${stdout}${stderr}`)
  })
  await Promise.race([seen, ended])
}

/** Commands by which a client signs in. */
export const signIns = /^(?:USER|PASS|APOP|AUTH)\b/
