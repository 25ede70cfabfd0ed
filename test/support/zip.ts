import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ZipArchive } from 'archiver'
import { openPromise } from 'yauzl'
import { collect } from './collect.js'

export interface ZipEntry {
  readonly name: string
  readonly bytes: Buffer
}

export async function readZip(path: string): Promise<readonly ZipEntry[]> {
  const zip = await openPromise(path, { autoClose: false })
  try {
    const entries: ZipEntry[] = []
    for await (const entry of zip.eachEntry()) {
      const bytes = Buffer.concat(await collect(await zip.openReadStreamPromise(entry)))
      entries.push({ name: entry.fileName, bytes })
    }
    return entries
  } finally {
    zip.close()
  }
}

export async function writeZip(path: string, entries: readonly ZipEntry[]): Promise<void> {
  const archive = new ZipArchive({ store: true })
  const file = createWriteStream(`${path}.new`)
  archive.pipe(file)
  for (const { name, bytes } of entries) archive.append(bytes, { name })
  await Promise.all([once(file, 'close'), archive.finalize()])
  await rename(`${path}.new`, path)
}

export function volumeName(number: number): string {
  return number === 1 ? 'mail.zip' : `mail-${String(number).padStart(4, '0')}.zip`
}

/** The zip files beside each other, in the order of their numbers; what else can be seen there is a mistake. */
export async function volumes(archive: string): Promise<readonly string[]> {
  const names = (await readdir(dirname(archive))).filter((name) => !name.startsWith('.'))
  const strange = names.filter((name) => !/^mail(-\d{4})?\.zip$/.test(name))
  if (strange.length > 0) throw new Error(`left beside the volumes: ${strange.join(', ')}`)
  return names
    .map((name) => (name === basename(archive) ? volumeName(1).replace('.zip', '-0001.zip') : name))
    .toSorted()
    .map((name) => join(dirname(archive), name === 'mail-0001.zip' ? basename(archive) : name))
}

/** What a volume says of itself besides the messages. */
export interface Contents {
  readonly manifest: string
  readonly index: string
}

/** Fails where a volume does not end in exactly these two. */
export async function contentsOf(path: string): Promise<Contents> {
  const others = (await readZip(path)).slice(-2)
  if (others.map(({ name }) => name).join() !== 'manifest.csv,index.html') throw new Error(`${path} has no contents`)
  const [manifest = '', index = ''] = others.map(({ bytes }) => bytes.toString())
  return { manifest, index }
}

/** The messages of one zip file. */
export async function messagesIn(path: string): Promise<readonly ZipEntry[]> {
  return (await readZip(path)).filter(({ name }) => name.endsWith('.eml'))
}

/** The messages of all volumes. */
export async function messagesOf(archive: string): Promise<readonly ZipEntry[]> {
  const entries: ZipEntry[] = []
  for (const path of await volumes(archive)) entries.push(...(await messagesIn(path)))
  return entries
}
