import { readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { basename, dirname, join } from 'node:path'
import { ZipArchive } from 'archiver'
import { openPromise } from 'yauzl'
import type { TargetContext } from '../../src/ports/kind.js'
import type { Receipt, Target } from '../../src/ports/target.js'
import { emlZip } from '../../src/targets/eml-zip.js'
import { type EmlZipSettings, emlZipSettings } from '../../src/targets/eml-zip-settings.js'
import type { TargetHarness, TargetPlace } from '../contract/target.js'
import { InstantClock } from '../support/clock.js'
import { collect } from '../support/collect.js'

/** An archive as the suite sees it; reads and writes it without the program's code. */
export function emlZipHarness(chosen: Partial<EmlZipSettings> = {}): TargetHarness {
  return {
    ordered: true,
    form: (bytes) => bytes,
    at: (folder) => emlZipPlace(folder, chosen),
  }
}

function emlZipPlace(folder: string, chosen: Partial<EmlZipSettings>): TargetPlace {
  const archive = join(folder, 'zips', 'mail.zip')
  const state = join(folder, 'state')
  const change = async (receipt: Receipt, edit: (bytes: Buffer) => Buffer | undefined): Promise<void> => {
    for (const path of await volumes(archive)) {
      const entries = await readZip(path)
      if (!entries.some(({ name }) => name === receipt.where)) continue
      const edited = entries.flatMap(({ name, bytes }) => {
        const now = name === receipt.where ? edit(bytes) : bytes
        return now ? [{ name, bytes: now }] : []
      })
      await writeZip(path, edited)
    }
  }
  return {
    target: () => emlZipTarget({ ...chosen, path: archive }, { state }),
    stored: async () => (await messagesOf(archive)).map(({ bytes }) => bytes),
    addForeign: async (bytes) => {
      await mkdir(dirname(archive), { recursive: true })
      const taken = new Set(readdirSync(dirname(archive)))
      const free = Array.from({ length: 99 }, (_, index) => volumeName(index + 1)).find((name) => !taken.has(name))
      await writeZip(join(dirname(archive), free!), [{ name: 'foreign.eml', bytes }])
    },
    breakOff: async ({ size }) => {
      const [lane] = await readdir(join(state, 'staging'))
      const files = (await readdir(join(state, 'staging', lane!))).toSorted((a, b) => parseInt(a) - parseInt(b))
      const path = join(state, 'staging', lane!, files.at(-1)!)
      await truncate(path, (await stat(path)).size - Math.ceil(size / 2))
    },
    remove: async (receipt) => change(receipt, () => undefined),
    alter: async (receipt) =>
      change(receipt, (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5)
        return bytes
      }),
    empty: async () => {
      for (const path of await volumes(archive)) await rm(path)
    },
    destroy: async () => rm(dirname(archive), { recursive: true }),
  }
}

export function emlZipTarget(settings: Partial<EmlZipSettings>, context: Partial<TargetContext>): Target {
  // Sizes are text in a plan.
  const { volumeSize, ...plain } = settings
  const chosen = { ...emlZipSettings.parse(plain), ...(volumeSize !== undefined && { volumeSize }) }
  return emlZip.create(chosen, {
    clock: new InstantClock(),
    series: undefined,
    run: 'run-1',
    state: 'none',
    ...context,
  })
}

function volumeName(number: number): string {
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

/** The messages of all volumes. */
export async function messagesOf(archive: string): Promise<readonly ZipEntry[]> {
  const entries: ZipEntry[] = []
  for (const path of await volumes(archive)) entries.push(...(await readZip(path)))
  return entries.filter(({ name }) => name.endsWith('.eml'))
}

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

async function writeZip(path: string, entries: readonly ZipEntry[]): Promise<void> {
  const archive = new ZipArchive({ store: true })
  const file = createWriteStream(`${path}.new`)
  archive.pipe(file)
  for (const { name, bytes } of entries) archive.append(bytes, { name })
  await Promise.all([once(file, 'close'), archive.finalize()])
  await rename(`${path}.new`, path)
}
