import { stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import pLimit from 'p-limit'
import { diskFault, ignoreMissing } from '../files/durable.js'
import { type Lock, takeLock } from '../files/lock.js'
import { makeOwnedDirectory, type Owner, resolveOwner } from '../files/owner.js'
import { folderIdentity } from '../files/place.js'
import { ownDate, ruleDate } from '../mail/date.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { Flag, Message } from '../ports/message.js'
import type { Announced, Position, Progress, Receipt, Sealed, Volume, Writer } from '../ports/target.js'
import { Doubts } from './eml-zip-doubts.js'
import { Library } from './eml-zip-library.js'
import { entryName, keyPart, uniquePart, uniquePartOf } from './eml-zip-name.js'
import { draftPath, freeNumber, publish, volumeOf } from './eml-zip-publish.js'
import { requireRoom, Room } from './eml-zip-room.js'
import type { Segment } from './eml-zip-segment.js'
import type { EmlZipSettings } from './eml-zip-settings.js'
import {
  freshStanding,
  gone,
  parseStanding,
  placeOf,
  published,
  requirePresent,
  settle,
  type Standing,
} from './eml-zip-standing.js'
import { removeSealed, Staging } from './eml-zip-staging.js'
import { buildVolume } from './eml-zip-volume.js'

/** How many of a run's first messages are looked for among what is already there (`ledger-missing`). */
const probes = 20

/** Archiver keeps 10 KB of memory for each entry of a volume (measured). */
const mostEntries = 5_000

/**
 * Stores messages in the staging, where they are safe, and turns those into volumes: once enough have gathered, and when
 * the run ends. A volume has its name in the ledger before it has it on the disk, so that a later run knows it again.
 */
export class EmlZipWriter implements Writer {
  readonly #parts: WriterParts
  readonly #inTurn = pLimit(1)
  readonly #room: Room
  #standing: Standing
  /** Up to which segment the ledger knows of volumes. */
  #recorded: number
  #probesLeft: number

  static async open(
    archive: string,
    settings: EmlZipSettings,
    { context, progress, signal, gotOn }: Surroundings,
  ): Promise<EmlZipWriter> {
    const before = parseStanding(progress.position)
    if (context.series === undefined && progress.receipts > 0) await requirePresent(archive, before)
    const owner = await resolveOwner(settings.owner)
    const folder = dirname(archive)
    await makeOwnedDirectory(folder, owner)
    const lockPath = join(folder, `.${basename(archive)}.popferry.lock`)
    const lock = await takeLock(lockPath, { run: context.run, what: `the archive ${archive}` })
    try {
      const identity = await folderIdentity(folder)
      if (!identity) throw gone(folder)
      await unlink(draftPath(archive)).catch(ignoreMissing)
      const start = before ?? freshStanding(archive, progress.adopting ? (await freeNumber(archive, 1)) - 1 : 0)
      const { standing, volume } = await settle(start, { archive, dev: identity.dev })
      const stagingFolder = join(context.state, 'staging', standing.staging)
      if (before) await removeSealed(stagingFolder, before.sealed)
      const names = await unrecorded(standing, progress)
      const strangers = strangersAmong(names, progress)
      const facts = { archive, settings, context, progress, signal, gotOn, owner, lock, folder, identity, strangers }
      const stored = announcedAmong(names, progress).map(({ name, ...one }) => {
        return { ...one, flags: [], where: placeOf(archive, name, context) }
      })
      const inDoubt = new Doubts(archive, progress.announced, [...stored, ...standing.left])
      const staging = await Staging.open(
        stagingFolder,
        { ...standing, limits: { octets: settings.volumeSize, entries: mostEntries } },
        (staged, itsArchive, committed) => {
          inDoubt.add(staged, placeOf(itsArchive, staged.name, context), committed)
        },
      )
      return new EmlZipWriter({ ...facts, staging, stagingFolder, inDoubt, volume }, standing, before?.sealed)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(parts: WriterParts, standing: Standing, recorded: number | undefined) {
    this.#parts = parts
    this.#standing = standing
    this.#recorded = recorded ?? 0
    this.#room = new Room(parts.stagingFolder, parts.folder)
    this.#probesLeft = probes
  }

  get position(): Position {
    const { staging, inDoubt } = this.#parts
    const standing: Standing = { ...this.#standing, committed: staging.committed, left: inDoubt.left }
    return JSON.stringify(standing) as Position
  }

  async admit(messages: readonly Message[]): Promise<void> {
    const { progress, strangers, archive } = this.#parts
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.some((message) => strangers.has(uniquePart(progress.origin, message)))) {
      throw new Fault('ledger-missing', `${archive} already holds messages of this account`)
    }
    this.#probesLeft -= probed.length
  }

  async append(message: Message): Promise<Receipt> {
    return this.#inTurn(async () => {
      try {
        const { context, inDoubt, settings } = this.#parts
        const at = context.clock.now()
        const date = ruleDate(message.header, settings.date, at)
        const receipt = (await inDoubt.claim(message.key)) ?? (await this.#stage(message, { date, at }))
        return { ...receipt, date: ownDate(message.header, settings.date, date) }
      } catch (error) {
        throw diskFault(error, 'store a message in', this.#parts.stagingFolder)
      }
    })
  }

  async commit(): Promise<Position> {
    const { staging, stagingFolder, folder, identity } = this.#parts
    try {
      await staging.commit()
    } catch (error) {
      throw diskFault(error, 'sync', stagingFolder)
    }
    const now = await folderIdentity(folder)
    if (now?.dev !== identity.dev || now.ino !== identity.ino) throw gone(folder)
    this.#room.recount()
    return this.position
  }

  async *seal(last: boolean): AsyncIterable<Sealed> {
    const { archive, staging, stagingFolder, signal, volume } = this.#parts
    if (this.#standing.sealed !== this.#recorded) {
      // What a dead run had published.
      yield { position: this.position, ...(volume && { volume }) }
      await removeSealed(stagingFolder, this.#standing.sealed)
    }
    for (const segment of staging.due(archive, last)) {
      if (signal.aborted) return
      let finished: Volume | undefined
      if (segment.entries > 0) {
        const sha256 = await this.#build(segment)
        if (sha256 === undefined) return
        do yield* this.#announce(segment, sha256)
        while (!(finished = await this.#publish()))
      }
      this.#standing = { ...this.#standing, sealed: segment.number, sealing: undefined }
      yield { position: this.position, ...(finished && { volume: finished }) }
      await staging.remove(segment)
    }
    this.#recorded = this.#standing.sealed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { staging, inDoubt, lock } = this.#parts
    inDoubt.close()
    await staging.close()
    await lock.release()
  }

  async #stage(message: Message, { date, at }: Dates): Promise<Receipt> {
    const { archive, context, progress, staging } = this.#parts
    const { key, sha256, size, header } = message
    await this.#room.take(size, staging.size)
    const flags: readonly Flag[] = date === undefined ? ['date-missing'] : []
    const name = entryName(uniquePart(progress.origin, message), date, header)
    await staging.append({ key, sha256, size, name, date: date ?? null, at, flags }, message.open(), archive)
    return { key, sha256, size, flags, where: placeOf(archive, name, context) }
  }

  async #build(segment: Segment): Promise<string | undefined> {
    const { settings, owner, signal, gotOn } = this.#parts
    const { archive } = segment
    try {
      await makeOwnedDirectory(dirname(archive), owner)
      await requireRoom(dirname(archive), segment.volumeSize)
      const mode = Number.parseInt(settings.mode, 8)
      return await buildVolume(segment, { draft: draftPath(archive), ...settings, mode, owner, signal, gotOn })
    } catch (error) {
      throw diskFault(error, 'write a volume of', archive)
    }
  }

  /** Before the volume has its name, the ledger must know of it. */
  async *#announce({ number: segment, archive, entries }: Segment, sha256: string): AsyncIterable<Sealed> {
    const from = archive === this.#standing.archive ? this.#standing.number + 1 : 1
    const { size: bytes } = await stat(draftPath(archive))
    const sealing = { segment, archive, number: await freeNumber(archive, from), sha256, messages: entries, bytes }
    this.#standing = { ...this.#standing, sealing }
    yield { position: this.position }
  }

  /** Undefined where somebody was quicker to take the name. */
  async #publish(): Promise<Volume | undefined> {
    const { sealing } = this.#standing
    try {
      if (!sealing || !(await publish(sealing))) return undefined
    } catch (error) {
      throw diskFault(error, 'write a volume of', sealing?.archive ?? this.#parts.archive)
    }
    this.#standing = published(this.#standing, sealing)
    return volumeOf(sealing)
  }
}

interface Surroundings {
  readonly context: TargetContext
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly gotOn: () => void
}

interface Dates {
  /** By the date rule. */
  readonly date: number | undefined
  /** When it is stored. */
  readonly at: number
}

interface WriterParts extends Surroundings {
  readonly archive: string
  readonly settings: EmlZipSettings
  readonly owner: Owner | undefined
  readonly lock: Lock
  readonly folder: string
  readonly identity: { readonly dev: number; readonly ino: number }
  readonly strangers: ReadonlySet<string>
  readonly staging: Staging
  readonly stagingFolder: string
  readonly inDoubt: Doubts
  /** A dead run's, which got its name. */
  readonly volume: Volume | undefined
}

/** Names that the ledger may not know: of a lane with a past, in volumes that came later. */
async function unrecorded({ archive, number }: Standing, { receipts }: Progress): Promise<readonly string[]> {
  return [...(await Library.open(archive, receipts < probes ? 0 : number)).names]
}

/** Names that may be ours although the ledger says nothing of them. */
function strangersAmong(names: readonly string[], { origin, announced, adopting }: Progress): ReadonlySet<string> {
  if (adopting) return new Set()
  const keys = new Set(announced.map(({ key }) => keyPart(origin, key)))
  const parts = names.map((name) => uniquePartOf(name) ?? '')
  return new Set(parts.filter((part) => part !== '' && !keys.has(part.slice(-8))))
}

/** What the ledger knows as announced alone, and has come to its volume since: an older ledger was put back. */
function announcedAmong(
  names: readonly string[],
  { origin, announced }: Progress,
): readonly (Announced & { readonly name: string })[] {
  if (announced.length === 0) return []
  const named = new Map(names.map((name) => [uniquePartOf(name), name]))
  return announced.flatMap((one) => {
    const name = named.get(uniquePart(origin, one))
    return name === undefined ? [] : [{ ...one, name }]
  })
}
