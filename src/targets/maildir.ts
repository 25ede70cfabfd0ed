import { join } from 'node:path'
import { diskFault } from '../files/durable.js'
import { resolveOwner } from '../files/owner.js'
import { canonicalFolder } from '../files/place.js'
import { probeFolder } from '../files/probe.js'
import type { Probe } from '../ports/check.js'
import { dateOf } from '../mail/date.js'
import { defineKind, type TargetContext, type TargetKind } from '../ports/kind.js'
import type { Message } from '../ports/message.js'
import type {
  Accounted,
  Contents,
  Lane,
  OtherCopy,
  Position,
  Progress,
  ReadBack,
  Receipt,
  StandingForm,
  Target,
  Writer,
} from '../ports/target.js'
import { requireDevice, requireMaildir, requirePresent, subfolder } from './maildir-folder.js'
import { digest, storedForm } from './maildir-form.js'
import { contentsOf, otherFiles, readBack } from './maildir-read.js'
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

  async open(_: Lane, progress: Progress, __: AbortSignal, gotOn = (): void => undefined): Promise<Writer> {
    try {
      return await MaildirWriter.open(this.#settings, this.#context, progress, gotOn)
    } catch (error) {
      throw diskFault(error, 'use the Maildir', this.#settings.path)
    }
  }

  async probe(progress: Progress | undefined): Promise<Probe> {
    const { path, folder, owner } = this.#settings
    try {
      if (this.#context.series === undefined && progress && progress.receipts > 0) {
        await requirePresent(this.#here, progress)
      }
      await resolveOwner(owner)
      await requireMaildir(canonicalFolder(path), folder)
      // Locks stand in the folder itself.
      const [free = 0] = await Promise.all(['', 'tmp', 'new'].map(async (part) => probeFolder(join(this.#here, part))))
      return { free }
    } catch (error) {
      throw diskFault(error, 'use the Maildir', path)
    }
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    yield* readBack(this.#here, this.#settings.newline, receipts)
  }

  async *others(_: Lane, { origin }: Progress, accounted: Accounted): AsyncIterable<OtherCopy> {
    const series = this.#context.series !== undefined
    const { newline, date } = this.#settings
    yield* otherFiles({ here: this.#here, newline, series, origin, dated: date !== 'now' }, accounted)
  }

  async forms(message: Message): Promise<readonly StandingForm[]> {
    const { key, sha256, size } = message
    const form = await storedForm(message, this.#settings.newline, (octets) => Buffer.allocUnsafe(octets))
    const { flags } = form
    const stored = form.lossy ? { stored: await digest(form.chunks()) } : {}
    const facts = {
      key,
      sha256,
      size,
      flags,
      date: dateOf(message, this.#settings.date, this.#context.clock),
      ...stored,
    }
    return [{ digest: stored.stored ?? sha256, receipt: (where) => ({ ...facts, where }) }]
  }

  async reanchor({ position }: Progress): Promise<Position | undefined> {
    if (this.#context.series === undefined) await requireDevice(this.#here, position)
    return position
  }

  async *contents(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
    yield* contentsOf(this.#here, this.#settings.newline, receipts)
  }

  get #here(): string {
    return subfolder(canonicalFolder(this.#settings.path), this.#settings.folder)
  }
}
