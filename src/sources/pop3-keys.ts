import type { Reply } from '../pop3/reply.js'
import { createHash } from 'node:crypto'
import type { Maildrop } from '../pop3/listing.js'
import type { Entry, MessageKey } from '../ports/message.js'
import type { Listing } from '../ports/source.js'

/**
 * Keys and numbers of a maildrop; of one id, the occurrences count in the order of message numbers (QUIRKS LST-03). A
 * message without id (QUIRKS LST-01, LST-07) goes by its number and all that the listing has up to it: the same in two
 * sessions only where nothing before it has changed.
 */
export function identify(maildrop: Maildrop): { readonly listing: Listing; readonly numbers: Map<MessageKey, number> } {
  const numbers = new Map<MessageKey, number>()
  const repeats = new Map<string, number>()
  const entries: Entry[] = []
  let bytes = 0
  const before = maildrop.ids.includes('') ? createHash('sha256') : undefined
  for (const [index, number] of maildrop.numbers.entries()) {
    const id = maildrop.ids[index] ?? ''
    const size = maildrop.sizes.get(number) ?? 0
    before?.update(`${number} ${size} ${id}\n`, 'latin1')
    let key = (id || `\n#${number} ${before?.copy().digest('hex').slice(0, 16) ?? ''}`) as MessageKey
    if (numbers.has(key)) {
      const occurrence = (repeats.get(id) ?? 1) + 1
      repeats.set(id, occurrence)
      key = `${id}\n${occurrence}` as MessageKey
    }
    numbers.set(key, number)
    entries.push({ key, size })
    bytes += size
  }
  return { listing: { entries, bytes }, numbers }
}

/** True for the reply to `UIDL n` or `LIST n` that gives this id or size (RFC 1939 §5, §7). */
export function repeats(reply: Reply, number: number, text: string): boolean {
  const [, found, said] = /^\S+[ \t]+(\d+)[ \t]+(.*?)[ \t]*$/s.exec(Buffer.from(reply.line).toString('latin1')) ?? []
  return reply.ok && Number(found) === number && said === text
}
