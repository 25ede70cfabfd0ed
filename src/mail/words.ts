import libmime from 'libmime'
import { headerField } from './header.js'

/**
 * A header field as a person reads it: encoded words and raw 8-bit in whatever charset, as far as it can be told; one
 * line, at most 4 KiB of the field are looked at. Never fails; what cannot be decoded is U+FFFD (QUIRKS MSG-04).
 */
export function headerText(header: Uint8Array, name: string): string {
  const field = headerField(header, name)?.slice(0, maxField) ?? ''
  if (field === '') return ''
  return libmime
    .decodeWords(plainText(Buffer.from(field, 'latin1'), header))
    .replaceAll(/\s+/g, ' ')
    .trim()
}

const maxField = 4096

/** The bytes outside of encoded words: most are ASCII, then UTF-8 is likelier than what the message says of itself. */
function plainText(bytes: Buffer, header: Uint8Array): string {
  const declared = /charset\s*=\s*"?([\w.:-]+)/i.exec(headerField(header, 'content-type') ?? '')?.[1]
  // RFC 1468: seven bits, told by its escape sequences.
  const candidates = bytes.includes(escape) ? ['iso-2022-jp'] : ['utf-8', ...(declared === undefined ? [] : [declared])]
  for (const charset of candidates) {
    const text = decode(bytes, charset)
    if (text !== undefined) return text
  }
  return new TextDecoder('windows-1252').decode(bytes)
}

const escape = 0x1b

/** Undefined where the bytes are not of this charset, or nobody knows it. A character that we cut off is no fault. */
function decode(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes, { stream: bytes.length === maxField })
  } catch {
    return undefined
  }
}
