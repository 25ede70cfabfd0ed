import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { diskFault } from '../files/durable.js'
import { canonicalFolder } from '../files/place.js'
import { lfToCrlf } from '../mail/line-ends.js'
import { defineKind, type TargetContext, type TargetKind } from '../ports/kind.js'
import type { Lane, Progress, ReadBack, Receipt, Target, Writer } from '../ports/target.js'
import { messageFiles, subfolder } from './maildir-folder.js'
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
    const folders = new Map<string, ReadonlyMap<string, string>>()
    for await (const receipt of receipts) {
      const slash = receipt.where.lastIndexOf('/')
      const folder =
        slash < 0
          ? subfolder(canonicalFolder(this.#settings.path), this.#settings.folder)
          : receipt.where.slice(0, slash)
      const files = folders.get(folder) ?? (await filesByName(folder))
      folders.set(folder, files)
      const path = files.get(receipt.where.slice(slash + 1))
      yield { key: receipt.key, state: path === undefined ? 'missing' : await this.#compare(path, receipt) }
    }
  }

  async #compare(path: string, receipt: Receipt): Promise<'intact' | 'altered'> {
    const reverse = receipt.stored === undefined && this.#settings.newline === 'lf'
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(path)) {
      const bytes = chunk as Uint8Array
      hash.update(reverse ? lfToCrlf(bytes) : bytes)
    }
    return hash.digest('hex') === (receipt.stored ?? receipt.sha256) ? 'intact' : 'altered'
  }
}

/** Paths by name without the info part, which a mail reader changes. */
async function filesByName(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for await (const { name, path } of messageFiles(folder)) files.set(name.split(':', 1)[0] ?? name, path)
  return files
}
