import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { type Checked, compare, sum } from './tally.js'
import { messagesOf } from '../support/zip.js'
import { readMaildir, readMboxrd, tempFolder, type TempFolder } from '../support/rig.js'

/** `npm run test:fault` leaves nothing out. */
export const thorough = process.env['POPFERRY_THOROUGH'] !== undefined

/** Twins, a forged From_ line, bare line feeds, and one that does not fit into a write buffer. */
const sample = [
  'Subject: one\r\n\r\nFrom here\r\n>From there\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  'Subject: twin\r\n\r\nsame\r\n',
  `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(65_000)}`,
  'Subject: bare\r\n\r\na\nFrom b\n\r\n',
  'Subject: last\r\n\r\n\r\n\r\n',
]
export { sample as messages }
const foreign = 'From someone Thu Jan  1 00:00:00 1970\nSubject: foreign\n\nNot ours\n'

/** Where one run after the other works, with what somebody else had there before. */
export async function fresh(): Promise<TempFolder> {
  const folder = await tempFolder()
  for (const part of ['tmp', 'new', 'cur']) await mkdir(folder.at('maildir', part), { recursive: true })
  await writeFile(folder.at('maildir', 'new', 'foreign'), 'Not ours\n')
  await writeFile(folder.at('mbox'), foreign)
  return folder
}

function digests(bodies: Iterable<string | Uint8Array>): string[] {
  return Array.from(bodies, (body) => createHash('sha256').update(body).digest('hex')).sort()
}

const asStored = (body: string): string => body.replaceAll('\r\n', '\n')

/** Each message is there once, unchanged, and nothing else is that was not there before. Resolves with the figures. */
export async function requireExact(folder: TempFolder, messages: readonly string[] = sample): Promise<Checked> {
  const stored = (await readMaildir(folder.at('maildir'))).map(({ bytes }) => bytes)
  const inMaildir = requireSame(stored, [...messages.map(asStored), 'Not ours\n'])
  expect(await readdir(folder.at('maildir'))).toEqual(['cur', 'new', 'tmp'])
  expect((await readFile(folder.at('mbox'), 'utf8')).startsWith(foreign)).toBe(true)
  const boxed = (await readMboxrd(folder.at('mbox'))).map(({ bytes }) => bytes)
  const inMbox = requireSame(boxed, [...messages.map(asStored), 'Subject: foreign\n\nNot ours\n'])
  const zipped = (await messagesOf(folder.at('zips', 'mail.zip'))).map(({ bytes }) => bytes)
  const inZip = requireSame(zipped, messages)
  expect((await readdir(folder.at('zips'))).filter((name) => name.startsWith('.'))).toEqual([])
  const names = (await readdir(folder.path)).filter((name) => name !== 'migrate.yaml')
  expect(names.sort()).toEqual(['maildir', 'mbox', 'state', 'zips'])
  expect(await readdir(folder.at('state', 'spool'))).toEqual([])
  for (const lane of await readdir(folder.at('state', 'staging')).catch(() => [])) {
    expect(await readdir(folder.at('state', 'staging', lane))).toEqual([])
  }
  return [inMbox, inZip].reduce<Checked>(sum, inMaildir)
}

function requireSame(found: readonly (string | Uint8Array)[], sent: readonly (string | Uint8Array)[]): Checked {
  const checked = compare(digests(found), digests(sent))
  expect(checked).toMatchObject({ lost: 0, doubled: 0 })
  return checked
}
