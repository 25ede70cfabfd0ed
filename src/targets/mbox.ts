import { dirname } from 'node:path'
import { diskFault } from '../files/durable.js'
import { resolveOwner } from '../files/owner.js'
import { canonicalPath } from '../files/place.js'
import { probeFolder } from '../files/probe.js'
import type { Probe } from '../ports/check.js'
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
  Trace,
  Writer,
} from '../ports/target.js'
import { encode } from './mbox-encoding.js'
import { requireAppendable } from './mbox-file.js'
import { contentsOf, otherMessages, readBack, startOf, type WholeMbox } from './mbox-read.js'
import { type MboxSettings, mboxSettings } from './mbox-settings.js'
import { parseStanding, reanchored, requirePresent } from './mbox-standing.js'
import { MboxWriter } from './mbox-writer.js'

/** One mbox file. */
export const mbox: TargetKind = defineKind({
  type: 'mbox',
  settings: mboxSettings,
  fields: [{ key: 'path', form: 'template-path' }],
  create: (chosen: MboxSettings, context: TargetContext) => new MboxTarget(chosen, context),
})

class MboxTarget implements Target {
  readonly shareable = false
  readonly place: string
  readonly #settings: MboxSettings
  readonly #context: TargetContext

  constructor(chosen: MboxSettings, context: TargetContext) {
    this.#settings = chosen
    this.#context = context
    this.place = `mbox:${context.series ?? canonicalPath(chosen.path)}`
  }

  async open(_: Lane, progress: Progress, __: AbortSignal, gotOn?: () => void): Promise<Writer> {
    try {
      return await MboxWriter.open(this.#settings, this.#context, progress, gotOn)
    } catch (error) {
      throw diskFault(error, 'use the mbox', this.#settings.path)
    }
  }

  async probe(progress: Progress | undefined): Promise<Probe> {
    const { owner } = this.#settings
    const { path } = this.#whole
    try {
      if (this.#context.series === undefined && progress && progress.receipts > 0) {
        await requirePresent(path, parseStanding(progress.position))
      }
      await resolveOwner(owner)
      await requireAppendable(path)
      return { free: await probeFolder(dirname(path)) }
    } catch (error) {
      throw diskFault(error, 'use the mbox', path)
    }
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    try {
      yield* readBack(this.#whole, receipts)
    } catch (error) {
      throw diskFault(error, 'read', this.#settings.path)
    }
  }

  async *others(_: Lane, __: Progress, { receipts }: Accounted): AsyncIterable<OtherCopy> {
    try {
      yield* otherMessages(this.#whole, receipts)
    } catch (error) {
      throw diskFault(error, 'read', this.#settings.path)
    }
  }

  async reanchor({ position, announced }: Progress): Promise<Position | undefined> {
    if (this.#context.series !== undefined) return position
    try {
      return await reanchored(this.#whole.path, position, announced.length > 0)
    } catch (error) {
      throw diskFault(error, 'read', this.#settings.path)
    }
  }

  async *contents(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
    try {
      yield* contentsOf(this.#whole, receipts)
    } catch (error) {
      throw diskFault(error, 'read', this.#settings.path)
    }
  }

  async forms(message: Message): Promise<readonly StandingForm[]> {
    const { key, sha256, size } = message
    const { date: rule } = this.#settings
    const encoding = await encode(message, this.#whole.form, rule, this.#context.clock.now())
    const stored = encoding.stored === undefined ? {} : { stored: encoding.stored }
    const flags = encoding.flags.filter((flag) => flag !== 'date-missing')
    const facts = { key, sha256, size, flags, date: encoding.date, ...stored }
    return [{ digest: stored.stored ?? sha256, receipt: (where) => ({ ...facts, where }) }]
  }

  trace(receipt: Receipt): Trace {
    return { start: startOf(receipt, this.#whole.path) }
  }

  get #whole(): WholeMbox {
    const { path, variant, newline } = this.#settings
    return { path: canonicalPath(path), form: { variant, newline }, series: this.#context.series !== undefined }
  }
}
