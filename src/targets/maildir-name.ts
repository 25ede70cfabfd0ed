import { createHash } from 'node:crypto'
import type { Message, MessageKey } from '../ports/message.js'

/** What is the same for every copy of one message of one account. */
export function accountPart(origin: string, key: MessageKey): string {
  return `K${createHash('sha256').update(`${origin}\0`).update(Buffer.from(key, 'latin1')).digest('hex').slice(0, 20)}`
}

/** The part of a file's name that says which message of which account it holds: made from key and digest. */
export function uniqueOf(origin: string, { key, sha256 }: Message): string {
  return `${accountPart(origin, key)}D${sha256.slice(0, 20)}`
}

/** By the date rule, in ms since 1970, as a file's name has it; undefined where there is none. */
export function dateIn(name: string): number | undefined {
  const seconds = Number.parseInt(name, 10)
  return seconds > 0 ? seconds * 1000 : undefined
}

/** Its part that is the same for every copy. */
export function accountOf(unique: string | undefined): string {
  return unique?.split('D', 1)[0] ?? ''
}

/** That part of a file's name, if popferry gave it one. */
export function uniquePart(name: string): string | undefined {
  return /^\d+\.(K[0-9a-f]{20}D[0-9a-f]{20})\.popferry(?::|$)/.exec(name)?.[1]
}

/** The name without the info part, which a mail reader changes. */
export function baseOf(name: string): string {
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(0, colon)
}

/** 48 bits of the part that is the same for every copy of a message. */
export function shortened(account: string): number {
  return Number.parseInt(account.slice(1, 13), 16)
}
