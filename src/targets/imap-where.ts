import type { Receipt, Trace } from '../ports/target.js'

/** Where a receipt's message stands: UIDVALIDITY and UID, and how it is told where servers change such a message. */
export interface Where {
  readonly uidValidity: number
  readonly uid: number
  /** The loose digest, or the start of it, for a message that servers do not keep byte for byte. */
  readonly loose?: string | undefined
  /** That of the body, where the server adds header lines. */
  readonly body?: string | undefined
}

export function whereText({ uidValidity, uid, loose, body }: Where): string {
  const told = loose === undefined ? '' : `:${shortened(loose)}`
  return `${uidValidity}:${uid}${told}${body === undefined ? '' : `~${shortened(body)}`}`
}

/** For a message whose UID the server did not say: it is looked for by its loose digest. */
export function whereByDigest(loose: string): string {
  return `?${shortened(loose)}`
}

/** Undefined where the UID is not known. */
export function parseWhere(text: string): Where | undefined {
  const [, uidValidity, uid, loose, body] = /^(\d+):(\d+)(?::([0-9a-f]+))?(?:~([0-9a-f]+))?$/.exec(text) ?? []
  return uid === undefined ? undefined : { uidValidity: Number(uidValidity), uid: Number(uid), loose, body }
}

/** The start of the loose digest by which a message without UID is known. */
export function digestIn(text: string): string | undefined {
  return /^\?([0-9a-f]+)$/.exec(text)?.[1]
}

/** What positions and receipts have room for; it tells messages apart all the same. */
export function shortened(digest: string): string {
  return digest.slice(0, 20)
}

/** Servers change some messages alike, wherever they stand. */
export function trace({ where }: Receipt): Trace {
  const loose = parseWhere(where)?.loose ?? digestIn(where)
  return loose === undefined ? {} : { digest: loose }
}
