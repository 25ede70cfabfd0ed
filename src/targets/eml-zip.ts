import { dirname, join } from 'node:path'
import { diskFault } from '../files/durable.js'
import { resolveOwner } from '../files/owner.js'
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
import { type EmlZipSettings, emlZipSettings } from './eml-zip-settings.js'
import { archivePath } from './eml-zip-path.js'

/** An archive of zip files with a file for each message. */
export const emlZip: TargetKind = defineKind({
  type: 'eml-zip',
  settings: emlZipSettings,
  fields: [{ key: 'path', form: 'template-path' }],
  create: (chosen: EmlZipSettings, context: TargetContext) => new EmlZipTarget(chosen, context),
})

/** What zips, unzips and decodes is loaded only where a plan has such a target. */
class EmlZipTarget implements Target {
  readonly shareable = false
  readonly place: string
  readonly #settings: EmlZipSettings
  readonly #context: TargetContext

  constructor(chosen: EmlZipSettings, context: TargetContext) {
    this.#settings = chosen
    this.#context = context
    this.place = `eml-zip:${context.series ?? archivePath(chosen.path)}`
  }

  async open(_: Lane, progress: Progress, signal: AbortSignal, gotOn = (): void => undefined): Promise<Writer> {
    const { EmlZipWriter } = await import('./eml-zip-writer.js')
    const archive = archivePath(this.#settings.path)
    try {
      return await EmlZipWriter.open(archive, this.#settings, { context: this.#context, progress, signal, gotOn })
    } catch (error) {
      throw diskFault(error, 'use the archive', archive)
    }
  }

  async probe(progress: Progress | undefined): Promise<Probe> {
    const archive = archivePath(this.#settings.path)
    try {
      if (this.#context.series === undefined && progress && progress.receipts > 0) {
        const { parseStanding, requirePresent } = await import('./eml-zip-standing.js')
        await requirePresent(archive, parseStanding(progress.position))
      }
      await resolveOwner(this.#settings.owner)
      return { free: await probeFolder(dirname(archive)) }
    } catch (error) {
      throw diskFault(error, 'use the archive', archive)
    }
  }

  async *read(_: Lane, progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    const { readBack } = await import('./eml-zip-read-back.js')
    const archive = archivePath(this.#settings.path)
    try {
      yield* readBack({ archive, staging: join(this.#context.state, 'staging'), progress }, receipts)
    } catch (error) {
      throw diskFault(error, 'read', archive)
    }
  }

  async reanchor({ position }: Progress): Promise<Position | undefined> {
    const { reanchored } = await import('./eml-zip-standing.js')
    return this.#context.series === undefined ? reanchored(archivePath(this.#settings.path), position) : position
  }

  async *others(_: Lane, { origin }: Progress, accounted: Accounted): AsyncIterable<OtherCopy> {
    const { otherEntries } = await import('./eml-zip-others.js')
    const archive = archivePath(this.#settings.path)
    try {
      yield* otherEntries(
        { archive, series: this.#context.series !== undefined, origin, dated: this.#settings.date !== 'now' },
        accounted,
      )
    } catch (error) {
      throw diskFault(error, 'read', archive)
    }
  }

  async forms(message: Message): Promise<readonly StandingForm[]> {
    const { key, sha256, size } = message
    const date = dateOf(message, this.#settings.date, this.#context.clock)
    return [{ digest: sha256, receipt: (where) => ({ key, sha256, size, where, flags: [], date }) }]
  }

  async *contents(_: Lane, progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
    const { contentsOf } = await import('./eml-zip-read-back.js')
    const archive = archivePath(this.#settings.path)
    try {
      yield* contentsOf({ archive, staging: join(this.#context.state, 'staging'), progress }, receipts)
    } catch (error) {
      throw diskFault(error, 'read', archive)
    }
  }
}
