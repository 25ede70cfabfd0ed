import { chown, lstat, opendir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, makeDirectory } from '../files/durable.js'
import type { Owner } from '../files/owner.js'
import { Fault } from '../ports/fault.js'

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
  if (path !== root && (await prepareOne(path, owner))) {
    // Maildir++: tells delivery agents that this is a subfolder.
    await writeFile(join(path, 'maildirfolder'), '', { mode: 0o600, flag: 'a' })
    if (owner) await chown(join(path, 'maildirfolder'), owner.uid, owner.gid)
  }
  return path
}

/** Resolves true where the Maildir is new. */
async function prepareOne(path: string, owner: Owner | undefined): Promise<boolean> {
  const present = await namesIn(path)
  const fresh = !present.includes('cur') && !present.includes('new')
  if (fresh && present.some((name) => name !== 'tmp' && !name.startsWith('.'))) {
    throw new Fault('not-a-maildir', `${path} holds other files and is not a Maildir`)
  }
  for (const part of ['tmp', 'new', 'cur'].filter((name) => !present.includes(name))) {
    for (const created of await makeDirectory(join(path, part), 0o700)) {
      if (owner) await chown(created, owner.uid, owner.gid)
    }
  }
  return fresh
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
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

/** Which folder it is, however it is called: a disk that went away leaves an empty folder of the same name (QUIRKS FS-08). */
export async function folderIdentity(
  path: string,
): Promise<{ readonly dev: number; readonly ino: number } | undefined> {
  try {
    const { dev, ino } = await lstat(path)
    return { dev, ino }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
