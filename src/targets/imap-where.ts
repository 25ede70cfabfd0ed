import type { Receipt, Trace } from '../ports/target.js'

/** Where a receipt's message stands: UIDVALIDITY and UID, and how it is told where servers change such a message. */
export interface Where {
  readonly uidValidity: number
  readonly uid: number
  /** Start of the loose digest, for a message that servers do not keep byte for byte. */
  readonly loose: string | undefined
}

export function whereText({ uidValidity, uid, loose }: Where): string {
  return `${uidValidity}:${uid}${loose === undefined ? '' : `:${loose}`}`
}

export function parseWhere(text: string): Where | undefined {
  const [, uidValidity, uid, loose] = /^(\d+):(\d+)(?::([0-9a-f]+))?$/.exec(text) ?? []
  return uid === undefined ? undefined : { uidValidity: Number(uidValidity), uid: Number(uid), loose }
}

/** Servers change some messages alike, wherever they stand. */
export function trace({ where }: Receipt): Trace {
  const loose = parseWhere(where)?.loose
  return loose === undefined ? {} : { digest: loose }
}
