import { readdirSync } from 'node:fs'
import { mkdir, readdir, rm, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TargetContext } from '../../src/ports/kind.js'
import type { Receipt, Target } from '../../src/ports/target.js'
import { emlZip } from '../../src/targets/eml-zip.js'
import { type EmlZipSettings, emlZipSettings } from '../../src/targets/eml-zip-settings.js'
import type { TargetHarness, TargetPlace } from '../contract/target.js'
import { messagesOf, readZip, volumeName, volumes, writeZip } from '../support/zip.js'
import { targetContext } from '../support/target-context.js'

/** An archive as the suite sees it; reads and writes it without the program's code. */
export function emlZipHarness(chosen: Partial<EmlZipSettings> = {}): TargetHarness {
  return {
    ordered: true,
    exclusive: true,
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
      await writeZip(join(dirname(archive), free!), [{ name: `foreign-${taken.size}.eml`, bytes }])
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
  return emlZip.create(chosen, targetContext(context))
}
