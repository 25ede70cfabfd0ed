import { createHash } from 'node:crypto'

/**
 * What is left of a header when a server rebuilds the message or keeps its books in it: the fields in any order and
 * folding, without MIME boundaries and without what is added on the way or by the mailbox (QUIRKS RET-23).
 * 32 hexadecimal digits.
 */
export function fingerprint(header: Uint8Array): string {
  const text = Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1')
  const fields: string[] = []
  for (const field of text.replaceAll(folding, ' ').split(lineEnd)) {
    const colon = field.indexOf(':')
    if (colon <= 0) continue
    const name = field.slice(0, colon).trim().toLowerCase()
    if (volatile.test(name)) continue
    const value = field.slice(colon + 1)
    fields.push(
      `${name}:${(name === 'content-type' ? value.replace(boundary, '') : value).replaceAll(blanks, ' ').trim()}`,
    )
  }
  return createHash('sha256').update(fields.sort().join('\n'), 'latin1').digest('hex').slice(0, 32)
}

/** A multipart message: the only kind that has boundaries for a server to change. */
export function isMultipart(header: Uint8Array): boolean {
  const text = Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1')
  return /^content-type[ \t]*:(?:[ \t]|\r?\n[ \t])*multipart\//im.test(text)
}

const folding = /\r?\n(?=[ \t])/g
const lineEnd = /\r?\n/
const blanks = /[ \t]+/g
const boundary = /;[ \t]*boundary[ \t]*=[ \t]*(?:"[^"]*"|[^;]*)/i
const volatile =
  /^(?:received|return-path|delivered-to|status|x-status|x-uidl?|x-imap|x-imapbase|x-keywords|x-mozilla-.*|x-evolution.*|content-length|lines)$/
