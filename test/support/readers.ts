import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Dovecot } from './dovecot.js'

const run = promisify(execFile)

/** Digests of messages, sorted: which there are, and how many times each. */
export interface Digests {
  /** Of the octets as sent. */
  readonly exact: readonly string[]
  /** Of what Dovecot can show of a copy with LF line ends. */
  readonly shown: readonly string[]
  /** Of what IMAP servers leave alone. */
  readonly loose: readonly string[]
}

/** What an IMAP server keeps beside a message; `date` in seconds since 1970. */
export interface Facts {
  readonly date: number
  readonly flags: readonly string[]
}

/** Python, and what is missing where there is none. */
export async function findPython(): Promise<{ readonly missing?: string }> {
  return run('python3', ['-c', 'import mailbox, ssl']).then(
    () => ({}),
    () => ({ missing: 'there is no python3 here' }),
  )
}

/** Reads a Maildir or an mboxrd file with Python's `mailbox`. */
export async function readByPython(kind: 'maildir' | 'mbox', path: string): Promise<Digests> {
  return read(kind, path)
}

/** Fetches a maildrop in lock-step, with a client that shares no code with ours. */
export async function readByPop3(
  dovecot: Dovecot,
  user: string,
  kind: 'pop3' | 'pop3-mbox' = 'pop3',
): Promise<Digests> {
  return read(kind, String(dovecot.ports.tls), Dovecot.ca, user)
}

/** The same without TLS, of alice's maildrop; `commands` come before the sign-in. */
export async function readByPlainPop3(port: number, commands: readonly string[] = []): Promise<Digests> {
  return read('pop3-plain', String(port), 'alice', ...commands)
}

/** Reads an IMAP folder with Python's `imaplib`: over STARTTLS, or without where `ca` is `-`. The facts are in the order of dates. */
export async function readByImap(
  { port, ca, user }: { readonly port: number; readonly ca: string; readonly user: string },
  folder: string,
): Promise<Digests & { readonly facts: readonly Facts[] }> {
  const lines = await linesOf('imap', String(port), ca, user, folder)
  const facts = lines.map((line) => {
    const [, , , date, flags = ''] = line.split(' ')
    return { date: Number(date), flags: flags.split(',') }
  })
  return { ...digestsIn(lines), facts: facts.toSorted((one, other) => one.date - other.date) }
}

async function read(...args: readonly string[]): Promise<Digests> {
  return digestsIn(await linesOf(...args))
}

async function linesOf(...args: readonly string[]): Promise<readonly string[]> {
  const env = { ...process.env, TZ: 'UTC' }
  const { stdout } = await run('python3', [script, ...args], { maxBuffer: 2 ** 26, env })
  return stdout.split('\n').filter((line) => line !== '')
}

function digestsIn(lines: readonly string[]): Digests {
  const column = (index: number): string[] => lines.map((line) => line.split(' ')[index] ?? '').toSorted()
  return { exact: column(0), shown: column(1), loose: column(2) }
}

const script = fileURLToPath(new URL('../live/readers.py', import.meta.url))
