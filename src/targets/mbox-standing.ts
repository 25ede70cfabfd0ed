import { lstat } from 'node:fs/promises'
import { ignoreMissing } from '../files/durable.js'
import { deviceOf } from '../files/place.js'
import { Fault } from '../ports/fault.js'
import type { Position } from '../ports/target.js'
import type { Remnant } from './mbox-remains.js'

/** A position: which file, how long it was when everything in it was accounted for, and what a dead run has left. */
export interface Standing extends Remnant {
  /** How long the file was when the lane came to it; as long as it is asked whether the ledger was lost. */
  readonly before?: number
}

export function parseStanding(position: Position | undefined): Standing | undefined {
  return position === undefined ? undefined : (JSON.parse(position) as Standing)
}

/** A lane with receipts must find its file as it left it, or grown (CONTRACT, `target-gone`; QUIRKS MBX-08). */
export async function requirePresent(path: string, before: Standing | undefined): Promise<void> {
  const now = await lstat(path).catch(ignoreMissing)
  if (!now) throw new Fault('target-gone', `${path} is not there any more`)
  if (now.size === 0) throw new Fault('target-gone', `${path} is empty, although messages were delivered there`)
  // A file that the plan says was moved is another one now.
  const moved = before?.path !== path
  if (!moved && now.dev !== before.dev) throw new Fault('target-gone', `${path} is on another device than before`)
  if ((!moved && now.ino !== before.ino) || now.size < (before?.size ?? 0)) {
    throw new Fault('mbox-changed', `${path} was rewritten by another program since the last run`)
  }
}

/**
 * The position for the file as it is now: everything in it was looked through. `announced`: a dead run may have left
 * something at its end, which nobody can tell any more once another program has written the file anew.
 */
export async function reanchored(
  path: string,
  position: Position | undefined,
  announced: boolean,
): Promise<Position | undefined> {
  const before = parseStanding(position)
  // A file that the plan says was moved is looked at when it is opened.
  if (before?.path !== path) return position
  if ((await deviceOf(path)) !== before.dev) throw new Fault('target-gone', `${path} is not on the device where it was`)
  const now = (await lstat(path).catch(ignoreMissing)) ?? { dev: before.dev, ino: 0, size: 0 }
  if (now.ino === before.ino && now.size >= before.size) return position
  const doubtful = announced || (before.owed ?? []).length + (before.left ?? []).length > 0
  if (doubtful && now.size > 0 && now.ino !== before.ino) {
    throw new Fault('mbox-changed', `${path} was rewritten by another program while a run had not come to its end`, {
      hint: 'move the file away: then `popferry run --repair` copies its messages into a new one',
    })
  }
  // What was there before the lane came to it is no riddle any more.
  const { dev, ino, size } = now
  return JSON.stringify({ ...before, dev, ino, size, before: undefined }) as Position
}
