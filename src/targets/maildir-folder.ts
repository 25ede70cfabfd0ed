import type { Dirent } from 'node:fs'
import { chown, opendir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../files/durable.js'
import { makeOwnedDirectory, type Owner } from '../files/owner.js'
import { deviceOf, folderIdentity } from '../files/place.js'
import { Fault } from '../ports/fault.js'
import type { Position, Progress } from '../ports/target.js'
import { accountOf, accountPart, uniquePart } from './maildir-name.js'

/** The folder of a Maildir++ subfolder: `Archive/2026` is `.Archive.2026` beside `cur`; an empty name is the INBOX. */
export function subfolder(root: string, folder: string): string {
  if (folder === '') return root
  return join(
    root,
    folder
      .split('/')
      .map((part) => `.${modifiedUtf7(part)}`)
      .join(''),
  )
}

/** RFC 3501 §5.1.3: what Dovecot and Courier expect in folder names on disk. */
function modifiedUtf7(text: string): string {
  return text.replaceAll('&', '&-').replaceAll(/[^\x20-\x7e]+/g, (run) => {
    const utf16 = Buffer.from(run, 'utf16le').swap16()
    return `&${utf16.toString('base64').replaceAll('=', '').replaceAll('/', ',')}-`
  })
}

/** Creates what is missing of a Maildir; refuses a folder that is something else (QUIRKS MDR-07). */
export async function prepareMaildir(root: string, folder: string, owner: Owner | undefined): Promise<string> {
  const path = subfolder(root, folder)
  await prepareOne(root, owner)
  if (path !== root) await prepareOne(path, owner, marker)
  return path
}

/** Throws where what stands there, if anything does, is no Maildir; changes nothing. */
export async function requireMaildir(root: string, folder: string): Promise<void> {
  const path = subfolder(root, folder)
  await lookAt(root)
  if (path !== root) await lookAt(path, marker)
}

async function prepareOne(path: string, owner: Owner | undefined, marker?: string): Promise<void> {
  const { has, fresh } = await lookAt(path, marker)
  for (const part of parts) {
    if (!has(part)) await makeOwnedDirectory(join(path, part), owner)
    // Before new/ and cur/ are there: until then the next run takes the Maildir for one that is not complete.
    if (part === 'tmp' && fresh && marker !== undefined && !has(marker)) await createMarker(join(path, marker), owner)
  }
}

/** What is there of a Maildir; `fresh`: nothing yet that makes it one. */
async function lookAt(path: string, marker?: string): Promise<Looked> {
  const present = await entriesOf(path)
  const has = (name: string): boolean => present.some((entry) => entry.name === name)
  const fresh = !has('cur') && !has('new')
  if (fresh && present.some(({ name }) => name !== 'tmp' && name !== marker && !name.startsWith('.'))) {
    throw new Fault('not-a-maildir', `${path} holds other files and is not a Maildir`)
  }
  for (const { name } of present.filter((entry) => parts.includes(entry.name) && !entry.isDirectory())) {
    throw new Fault('not-a-maildir', `${join(path, name)} is not a folder`)
  }
  return { has, fresh }
}

interface Looked {
  readonly has: (name: string) => boolean
  readonly fresh: boolean
}

const parts = ['tmp', 'new', 'cur']
/** Maildir++: this file tells delivery agents that it is a subfolder. */
const marker = 'maildirfolder'

async function createMarker(path: string, owner: Owner | undefined): Promise<void> {
  await writeFile(path, '', { mode: 0o600, flag: 'wx' })
  if (owner) await chown(path, owner.uid, owner.gid)
}

async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    if (errorCode(error) === 'ENOTDIR') throw new Fault('not-a-maildir', `${path} is not a folder`)
    throw error
  }
}

/** The paths of all message files, one folder after the other; nothing where there is no Maildir. */
export async function* messageFiles(path: string): AsyncIterable<{ readonly name: string; readonly path: string }> {
  for (const part of ['new', 'cur']) {
    const folder = join(path, part)
    let entries
    try {
      entries = await opendir(folder, { bufferSize: 1024 })
    } catch (error) {
      if (errorCode(error) === 'ENOENT') continue
      throw error
    }
    for await (const { name } of entries) if (!name.startsWith('.')) yield { name, path: join(folder, name) }
  }
}

/**
 * A lane with receipts must find its messages where it left them (CONTRACT, `target-gone`). What a dead run has announced
 * may have come into an empty folder that took the place of the right one in mid-run: in another folder it proves nothing.
 */
export async function requirePresent(path: string, progress: Progress): Promise<void> {
  const before = standingIn(progress)
  const identity = await folderIdentity(path)
  if (!identity) throw gone(path)
  // A Maildir that the plan says was moved may be on another device now.
  if (before?.path === path && identity.dev !== before.dev) {
    throw new Fault('target-gone', `${path} is on another device than before`)
  }
  const announced = new Set(progress.announced.map(({ key }) => accountPart(progress.origin, key)))
  for await (const { name } of messageFiles(path)) {
    if (identity.ino === before?.ino || !announced.has(accountOf(uniquePart(name)))) return
  }
  throw new Fault('target-gone', `${path} is empty, although messages were delivered there`)
}

/** The position of a lane, if it has one. */
export function standingIn({ position }: Pick<Progress, 'position'>): Standing | undefined {
  return position === undefined ? undefined : (JSON.parse(position) as Standing)
}

/** A position: the folder, and which folder it was. */
export interface Standing {
  readonly path: string
  readonly dev: number
  readonly ino: number
}

/** The disk that held the messages must be there; of what it holds nothing is asked. */
export async function requireDevice(path: string, position: Position | undefined): Promise<void> {
  const before = position === undefined ? undefined : (JSON.parse(position) as { path: string; dev: number })
  if (before?.path === path && (await deviceOf(path)) !== before.dev) throw gone(path)
}

export function gone(path: string): Fault {
  return new Fault('target-gone', `the Maildir ${path} is not there any more`)
}
