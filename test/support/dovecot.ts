import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dovecotConfiguration, type DovecotAuth, introspectionSettings, type Owner } from './dovecot-configuration.js'
import { findDovecot, inherited, relocated } from './dovecot-program.js'
import { freePorts } from './free-ports.js'
import { tempFolder, type TempFolder } from './rig.js'

const run = promisify(execFile)

export interface DovecotOptions {
  /** How the mail of each user is kept; all have the password `secret`. Default: alice with a Maildir. */
  readonly users?: Readonly<Record<string, 'maildir' | 'mbox'>>
  /** Lines for `protocol pop3 { … }`, such as `pop3_lock_session = yes`. */
  readonly pop3?: readonly string[]
  /** The same for `protocol imap { … }`. */
  readonly imap?: readonly string[]
  readonly auth?: DovecotAuth
  /** Where it makes its folder, and leaves it when it ends. Default: a temporary one, removed then. */
  readonly keepIn?: string
}

/**
 * A Dovecot of one's own: POP3 with STLS, POP3 over TLS, and IMAP with STARTTLS, on free ports of the loopback interface.
 *
 *     await using dovecot = await Dovecot.start()
 *     await dovecot.fill('alice', ['Subject: one\r\n\r\nbody\r\n'])
 *     … a plan with the source dovecot.source('alice') …
 */
export class Dovecot implements AsyncDisposable {
  static readonly ca = tlsFile('ca.pem')
  readonly host = '127.0.0.1'
  readonly password = 'secret'
  readonly ports: { readonly plain: number; readonly tls: number; readonly imap: number }
  /** What it has logged so far. */
  readonly log: string[] = []
  readonly #folder: TempFolder
  readonly #owner: Owner
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #close: Promise<void>
  readonly #watchers: (() => void)[] = []
  readonly #filled = new Map<string, number>()
  #ended = false

  /** Throws where there is none to be had. */
  static async start(options: DovecotOptions = {}): Promise<Dovecot> {
    const found = await findDovecot()
    if ('missing' in found) throw new Error(found.missing)
    for (let attempt = 1; ; attempt++) {
      const dovecot = await Dovecot.#launch(found.root, options)
      if (await dovecot.#listening()) return dovecot
      await dovecot[Symbol.asyncDispose]()
      // A port that was free a moment ago may have been taken.
      if (attempt === 3) throw new Error(`Dovecot does not start: ${dovecot.log.join('\n')}`)
    }
  }

  static async #launch(
    root: string,
    { users = { alice: 'maildir' }, pop3 = [], imap = [], auth = {}, keepIn }: DovecotOptions,
  ): Promise<Dovecot> {
    const folder = keepIn === undefined ? await tempFolder() : await keptFolder(keepIn)
    const [plain = 0, tls = 0, imapPort = 0] = await freePorts(3)
    const ports = { plain, tls, imap: imapPort }
    const environmentVariables = await inherited(root)
    const owner = await unprivileged()
    await chmod(folder.path, 0o711)
    for (const part of ['run', 'state', 'mail']) await mkdir(folder.at(part), { mode: 0o755 })
    await symlink(`${root}/usr/lib/dovecot`, folder.at('run', relocated))
    const certificate = { cert: tlsFile('good.pem'), key: tlsFile('good.key') }
    const settings = {
      folder: folder.path,
      ports,
      owner,
      pop3,
      imap,
      auth,
      certificate,
      environment: environmentVariables,
    }
    await writeFile(folder.at('dovecot.conf'), dovecotConfiguration(settings))
    await writeFile(
      folder.at('users'),
      await accounts(folder, users, { owner, stored: auth.stored ?? '{PLAIN}secret' }),
    )
    if (auth.master) await writeFile(folder.at('masters'), `${auth.master[0]}:{PLAIN}${auth.master[1]}\n`)
    const { introspection } = auth
    if (introspection !== undefined) {
      await writeFile(folder.at('oauth2.conf.ext'), introspectionSettings(introspection))
    }
    // What the installed program does by itself: it has its configuration read by doveconf, which then becomes Dovecot.
    const command = [
      `${root}/usr/bin/doveconf`,
      '-f',
      'service=master',
      '-c',
      folder.at('dovecot.conf'),
      '-m',
      'master',
    ]
    const rest = ['-p', '-e', `${root}/usr/sbin/dovecot`, '-F', '-c', folder.at('dovecot.conf')]
    const child = spawn(command[0] ?? '', [...command.slice(1), ...rest], {
      cwd: folder.at('run'),
      env: environmentVariables,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return new Dovecot(folder, child, ports, owner)
  }

  private constructor(folder: TempFolder, child: ChildProcess, ports: Dovecot['ports'], owner: Owner) {
    this.#folder = folder
    this.#process = child
    this.#owner = owner
    this.ports = ports
    // Its processes log through this pipe, so that it is closed when the last of them is gone.
    if (child.stderr)
      createInterface(child.stderr).on('line', (line) => {
        this.#note(line)
      })
    this.#exit = once(child, 'exit')
    this.#close = once(child, 'close').then(() => {
      this.#ended = true
      this.#note('ended')
    })
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  /** The `source` of a plan. */
  source(user = 'alice', tls: 'implicit' | 'starttls' | 'none' = 'implicit'): Record<string, unknown> {
    const port = tls === 'implicit' ? this.ports.tls : this.ports.plain
    const tlsOptions = tls === 'none' ? {} : { tlsOptions: { ca: Dovecot.ca } }
    return { host: this.host, port, tls, ...tlsOptions, user, password: this.password }
  }

  /** An imap target of a plan. */
  target(user = 'alice', more: object = {}): Record<string, unknown> {
    const tlsOptions = { ca: Dovecot.ca }
    return {
      type: 'imap',
      host: this.host,
      port: this.ports.imap,
      tls: 'starttls',
      tlsOptions,
      user,
      password: 'secret',
      ...more,
    }
  }

  /** A user's Maildir, or mbox. */
  mail(user = 'alice'): string {
    return this.#folder.at('mail', user, 'mail')
  }

  /** Puts messages at the end of a user's Maildir. */
  async fill(user: string, messages: Iterable<string | Uint8Array>): Promise<void> {
    let count = this.#filled.get(user) ?? 0
    const batch: Promise<void>[] = []
    for (const bytes of messages) {
      // Dovecot orders them by the seconds in the name.
      const name = `${1_600_000_000 + count++}.M0P1.example:2,`
      batch.push(writeFile(join(this.mail(user), 'cur', name), bytes, { mode: 0o644 }))
      if (batch.length === 64) await Promise.all(batch.splice(0))
    }
    await Promise.all(batch)
    this.#filled.set(user, count)
  }

  /** Makes a copy of a Maildir or an mbox the mail of a user. */
  async adopt(user: string, path: string): Promise<void> {
    await cp(path, this.mail(user), { recursive: true, preserveTimestamps: true, force: true })
    const inside = (await stat(path)).isDirectory() ? await readdir(this.mail(user), { recursive: true }) : []
    for (const name of ['.', ...inside]) await give(join(this.mail(user), name), this.#owner)
  }

  /** The first `count` lines of the log that match, as soon as they are there. */
  async logged(pattern: RegExp, count = 1): Promise<readonly string[]> {
    for (;;) {
      const lines = this.log.filter((line) => pattern.test(line))
      if (lines.length >= count) return lines.slice(0, count)
      if (this.#ended) throw new Error(`Dovecot ended; its log:\n${this.log.join('\n')}`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  /** How many messages each of a user's first `sessions` sessions to end has retrieved. */
  async retrieved(user: string, sessions: number): Promise<readonly number[]> {
    const lines = await this.logged(new RegExp(`pop3\\(${user}\\).* retr=`), sessions)
    return lines.map((line) => Number(/ retr=(\d+)/.exec(line)?.[1]))
  }

  /** Ends it and everything that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    const children = await childrenOf(this.pid)
    this.#process.kill('SIGTERM')
    await this.#exit
    // A session with a client does not end by itself.
    for (const pid of children) endProcess(pid)
    await this.#close
    await this.#folder[Symbol.asyncDispose]()
  }

  async #listening(): Promise<boolean> {
    return this.logged(/ starting up for /).then(
      () => true,
      () => false,
    )
  }

  #note(line: string): void {
    this.log.push(line)
    for (const wake of this.#watchers.splice(0)) wake()
  }
}

async function keptFolder(parent: string): Promise<TempFolder> {
  const path = await mkdtemp(join(parent, 'dovecot-'))
  return { path, at: (...names) => join(path, ...names), [Symbol.asyncDispose]: async () => undefined }
}

async function unprivileged(): Promise<Owner> {
  const user = process.getuid?.() === 0 ? 'nobody' : (await run('id', ['-un'])).stdout.trim()
  const ask = async (what: string): Promise<string> => (await run('id', [what, user])).stdout.trim()
  return { user, group: await ask('-gn'), uid: Number(await ask('-u')), gid: Number(await ask('-g')) }
}

async function give(path: string, { uid, gid }: Owner): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid)
}

/** The password file (user:password:uid:gid:gecos:home:shell:extra fields), and the folders of the users. */
async function accounts(
  folder: TempFolder,
  users: Readonly<Record<string, string>>,
  { owner, stored }: { readonly owner: Owner; readonly stored: string },
): Promise<string> {
  let lines = ''
  for (const [user, kind] of Object.entries(users)) {
    const home = folder.at('mail', user)
    const inbox = join(home, 'mail')
    const parts = kind === 'maildir' ? ['mail', 'mail/new', 'mail/cur', 'mail/tmp'] : []
    for (const part of ['.', ...parts]) {
      await mkdir(join(home, part), { recursive: true })
      await give(join(home, part), owner)
    }
    const location = kind === 'maildir' ? `maildir:${inbox}` : `mbox:${home}/folders:INBOX=${inbox}`
    lines += `${user}:${stored}:${owner.uid}:${owner.gid}::${home}::userdb_mail=${location}\n`
  }
  return lines
}

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return list.split(' ').filter(Boolean).map(Number)
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
