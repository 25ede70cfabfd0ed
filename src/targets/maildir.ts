import { diskFault, errorCode } from '../files/durable.js'
import { canonicalFolder } from '../files/place.js'
import { defineKind, type TargetContext, type TargetKind } from '../ports/kind.js'
import type { Lane, Progress, ReadBack, Receipt, Target, Writer } from '../ports/target.js'
import { messageFiles, subfolder } from './maildir-folder.js'
import { readCopy } from './maildir-form.js'
import { type MaildirSettings, maildirSettings } from './maildir-settings.js'
import { MaildirWriter } from './maildir-writer.js'

/** A Maildir, or one Maildir++ folder of it. */
export const maildir: TargetKind = defineKind({
  type: 'maildir',
  settings: maildirSettings,
  fields: [
    { key: 'path', form: 'template-path' },
    { key: 'folder', form: 'template' },
  ],
  create: (chosen: MaildirSettings, context: TargetContext) => new MaildirTarget(chosen, context),
})

class MaildirTarget implements Target {
  readonly shareable = true
  readonly place: string
  readonly #settings: MaildirSettings
  readonly #context: TargetContext

  constructor(chosen: MaildirSettings, context: TargetContext) {
    this.#settings = chosen
    this.#context = context
    this.place = `maildir:${subfolder(context.series ?? canonicalFolder(chosen.path), chosen.folder)}`
  }

  async open(_: Lane, progress: Progress): Promise<Writer> {
    try {
      return await MaildirWriter.open(this.#settings, this.#context, progress)
    } catch (error) {
      throw diskFault(error, 'use the Maildir', this.#settings.path)
    }
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    const here = subfolder(canonicalFolder(this.#settings.path), this.#settings.folder)
    const folders = new Map<string, ReadonlyMap<string, string>>()
    for await (const receipt of receipts) {
      const slash = receipt.where.lastIndexOf('/')
      const folder = slash < 0 ? here : receipt.where.slice(0, slash)
      const base = receipt.where.slice(slash + 1)
      let state: ReadBack['state'] | undefined
      try {
        if (!folders.has(folder)) folders.set(folder, await filesByName(folder))
        const path = folders.get(folder)?.get(base)
        state = path === undefined ? 'missing' : await this.#compare(path, receipt)
        if (state === undefined) {
          // A mail reader has moved it since the folder was listed.
          folders.set(folder, await filesByName(folder))
          state = await this.#compare(folders.get(folder)?.get(base), receipt)
        }
      } catch (error) {
        throw diskFault(error, 'read', folder)
      }
      yield { key: receipt.key, state: state ?? 'missing' }
    }
  }

  /** Undefined where there is no such file. */
  async #compare(path: string | undefined, receipt: Receipt): Promise<'intact' | 'altered' | undefined> {
    if (path === undefined) return undefined
    try {
      const { stored, sha256 } = await readCopy(path, this.#settings.newline)
      const same = receipt.stored === undefined ? sha256 === receipt.sha256 : stored === receipt.stored
      return same ? 'intact' : 'altered'
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      return undefined
    }
  }
}

/** Paths by name without the info part, which a mail reader changes. */
async function filesByName(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for await (const { name, path } of messageFiles(folder)) files.set(name.split(':', 1)[0] ?? name, path)
  return files
}
