import type { Position, Progress } from '../ports/target.js'
import type { Copy } from './imap-claims.js'
import type { Doubts } from './imap-late.js'

/** A position: which mailbox it was, and the first UID that no receipt can hold. */
export interface Standing {
  readonly uidValidity: number
  readonly uidNext: number
  /** The UIDs of the lane's first messages: they are not strangers. */
  readonly ours?: readonly number[]
  /** Copies in front of it that a dead run may have left and nobody has asked for yet. */
  readonly left?: readonly Omit<Copy, 'whole'>[]
  /** Messages that were stored again although a dead run may have stored them. */
  readonly doubts?: Doubts
  /** Whether the server stores messages as they are; absent as long as nobody has looked. */
  readonly rewrites?: boolean
}

export function standingOf({ position }: Pick<Progress, 'position'>): Standing | undefined {
  return position === undefined ? undefined : (JSON.parse(position) as Standing)
}

export function positionOf(standing: Standing): Position {
  return JSON.stringify(standing) as Position
}
