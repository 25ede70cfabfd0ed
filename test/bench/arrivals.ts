import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dovecot } from '../support/dovecot.js'
import { readByImap, readByPython } from '../support/readers.js'
import { readMboxrd } from '../support/rig.js'

/** How what a program delivered compares with what the server sent, by SHA-256. */
export interface Arrivals {
  readonly expected: number
  readonly found: number
  /** Of those expected, how many are not there as they were sent. */
  readonly notExact: number
}

/** `adds`: what the program puts into each message, in its LF form; it is left out of the comparison. */
export async function arrivedIn(
  kind: 'maildir' | 'mbox',
  path: string,
  expected: readonly string[],
  adds?: RegExp,
): Promise<Arrivals> {
  if (kind === 'maildir') return compare(await digestsIn(path, adds), expected)
  if (!adds) return compare((await readByPython('mbox', path)).exact, expected)
  return compare(
    (await readMboxrd(path)).map(({ bytes }) => digest(bytes, adds)),
    expected,
  )
}

/** Counted by an independent reader, which also takes the digests unless the program adds something. */
export async function arrivedAt(
  dovecot: Dovecot,
  user: string,
  expected: readonly string[],
  adds?: RegExp,
): Promise<Arrivals> {
  const { exact } = await readByImap({ port: dovecot.ports.imap, user, ca: '-' }, 'INBOX')
  if (!adds) return compare(exact, expected)
  return { ...compare(await digestsIn(dovecot.mail(user), adds), expected), found: exact.length }
}

async function digestsIn(maildir: string, adds?: RegExp): Promise<readonly string[]> {
  const digests: string[] = []
  for (const part of ['cur', 'new']) {
    for (const name of await readdir(join(maildir, part))) {
      digests.push(digest(await readFile(join(maildir, part, name)), adds))
    }
  }
  return digests
}

/** As it was sent: with CRLF, and each CR that stood before one. A server sends no bare LF. */
function digest(stored: Buffer, adds?: RegExp): string {
  const text = stored.toString('latin1')
  const sent = (adds ? text.replaceAll('\r\n', '\n').replace(adds, '') : text).replaceAll('\n', '\r\n')
  return createHash('sha256').update(sent, 'latin1').digest('hex')
}

function compare(found: readonly string[], expected: readonly string[]): Arrivals {
  const left = new Map<string, number>()
  for (const digest of found) left.set(digest, (left.get(digest) ?? 0) + 1)
  let notExact = 0
  for (const digest of expected) {
    const times = left.get(digest) ?? 0
    if (times === 0) notExact++
    else left.set(digest, times - 1)
  }
  return { expected: expected.length, found: found.length, notExact }
}

export function sum(all: readonly Arrivals[]): Arrivals {
  const total = (pick: (one: Arrivals) => number): number => all.reduce((before, one) => before + pick(one), 0)
  return {
    expected: total(({ expected }) => expected),
    found: total(({ found }) => found),
    notExact: total(({ notExact }) => notExact),
  }
}
