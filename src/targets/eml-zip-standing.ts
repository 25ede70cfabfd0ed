import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { deviceOf, folderIdentity } from '../files/place.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { MessageKey } from '../ports/message.js'
import type { Position, Receipt, Volume } from '../ports/target.js'
import { volumesOf } from './eml-zip-library.js'
import { type Announcement, volumeOf, wasPublished } from './eml-zip-publish.js'
import type { Mark } from './eml-zip-staging.js'

/** A position: where the volumes go, how far the staging is committed, and which part of it stands in volumes by now. */
export interface Standing {
  /** Name of the lane's folder in the staging. */
  readonly staging: string
  /** The first volume, and on which device its folder was. */
  readonly archive: string
  readonly dev: number
  /** The number of the last volume, 0 before the first. */
  readonly number: number
  readonly committed?: Mark | undefined
  /** Segments up to this one are history. */
  readonly sealed: number
  /** The volume that is about to get its name. */
  readonly sealing?: Announcement | undefined
  /** Announced by dead runs, whole, and in volumes although no receipt says so. */
  readonly left: readonly Left[]
}

/** A copy that has no receipt yet. */
export interface Left extends Pick<Receipt, 'sha256' | 'size' | 'flags' | 'where'> {
  readonly key: MessageKey
}

export function parseStanding(position: Position | undefined): Standing | undefined {
  return position === undefined ? undefined : (JSON.parse(position) as Standing)
}

/** Where a lane without a past begins; `number` of the last volume that is there and is its own all the same. */
export function freshStanding(archive: string, number: number): Standing {
  return { staging: randomBytes(8).toString('hex'), archive, dev: 0, number, sealed: 0, left: [] }
}

/** Where the lane stands at its present place, and a dead run's volume if it got its name. */
export async function settle(
  before: Standing,
  { archive, dev }: { readonly archive: string; readonly dev: number },
): Promise<{ readonly standing: Standing; readonly volume: Volume | undefined }> {
  const { sealing, ...rest } = before
  const volume = sealing && (await wasPublished(sealing)) ? volumeOf(sealing) : undefined
  const standing = sealing && volume ? published(rest, sealing) : rest
  return { standing: { ...standing, archive, dev, number: archive === standing.archive ? standing.number : 0 }, volume }
}

/** The announced volume has its name. */
export function published(standing: Standing, { segment, archive, number }: Announcement): Standing {
  const counted = archive === standing.archive ? { number } : {}
  return { ...standing, ...counted, sealed: segment, sealing: undefined }
}

/** What a receipt says of where the message is: its name, and in a series which archive. */
export function placeOf(archive: string, name: string, { series }: Pick<TargetContext, 'series'>): string {
  return series === undefined ? name : `${archive}/${name}`
}

/** A lane with receipts must find its folder, and of its volumes at least one (CONTRACT, `target-gone`; QUIRKS FS-08). */
export async function requirePresent(archive: string, before: Standing | undefined): Promise<void> {
  const folder = dirname(archive)
  const identity = await folderIdentity(folder)
  if (!identity) throw gone(folder)
  // An archive that the plan says was moved may be on another device now.
  if (before?.archive === archive && identity.dev !== before.dev) {
    throw new Fault('target-gone', `${folder} is on another device than before`)
  }
  if (before && before.number > 0 && (await volumesOf(archive)).length === 0) {
    throw new Fault('target-gone', `no volume of ${archive} is left, although messages were delivered there`)
  }
}

/** The disk that held the volumes must be there; where none of them is left, they are counted from the start again. */
export async function reanchored(archive: string, position: Position | undefined): Promise<Position | undefined> {
  const before = parseStanding(position)
  if (!before || before.number === 0 || before.archive !== archive) return position
  const folder = dirname(archive)
  if ((await deviceOf(folder)) !== before.dev) throw gone(folder)
  if ((await volumesOf(archive)).length > 0) return position
  const standing: Standing = { ...before, number: 0 }
  return JSON.stringify(standing) as Position
}

export function gone(folder: string): Fault {
  return new Fault('target-gone', `the folder ${folder} is not there any more`)
}
