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

async function read(...args: readonly string[]): Promise<Digests> {
  const { stdout } = await run('python3', [script, ...args], { maxBuffer: 2 ** 26 })
  const lines = stdout.split('\n').filter((line) => line !== '')
  const column = (index: number): string[] => lines.map((line) => line.split(' ')[index] ?? '').toSorted()
  return { exact: column(0), shown: column(1) }
}

const script = fileURLToPath(new URL('../live/readers.py', import.meta.url))
