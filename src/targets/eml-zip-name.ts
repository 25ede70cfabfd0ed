import { createHash } from 'node:crypto'
import { headerText } from '../mail/words.js'
import type { Message, MessageKey } from '../ports/message.js'

/** What is the same for every copy of one message of one account: 8 hexadecimal digits. */
export function keyPart(origin: string, key: MessageKey): string {
  return createHash('sha256').update(`${origin}\0`).update(Buffer.from(key, 'latin1')).digest('hex').slice(0, 8)
}

/** Which bytes of which message of which account: 16 digits of the digest, and the key's 8. */
export function uniquePart(origin: string, { key, sha256 }: Pick<Message, 'key' | 'sha256'>): string {
  return `${sha256.slice(0, 16)}${keyPart(origin, key)}`
}

/** That part of an entry's name, if popferry gave it one. */
export function uniquePartOf(name: string): string | undefined {
  return /^(?:\d{4}-\d\d-\d\d|undated)_([0-9a-f]{24})(?:_|\.eml$)/.exec(name)?.[1]
}

/** The entries of a volume that are no messages; no message has such a name. */
export const contentsNames = ['manifest.csv', 'index.html'] as const

export type ContentsName = (typeof contentsNames)[number]

/**
 * `2004-09-02_<24 digits>_Minutes-of-the-meeting.eml`: a plain file name of at most 120 bytes on every system, whatever
 * the subject holds. Distinct names differ in the digits, also where case and normalisation count for nothing
 * (QUIRKS MSG-06, ZIP-03). `date` in ms since 1970, UTC.
 */
export function entryName(unique: string, date: number | undefined, header: Uint8Array): string {
  const day = date === undefined ? 'undated' : new Date(date).toISOString().slice(0, 10)
  const words = subjectWords(header, maxName - `${day}_${unique}_.eml`.length)
  return `${day}_${unique}${words === '' ? '' : `_${words}`}.eml`
}

const maxName = 120

/** Letters and digits of any script, everything between them a hyphen; cut between characters. */
function subjectWords(header: Uint8Array, maxBytes: number): string {
  const words = headerText(header, 'subject')
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^[-\p{M}]+/u, '')
  let kept = ''
  let bytes = 0
  for (const character of words) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    kept += character
  }
  return kept.replace(/-+$/, '')
}
