import { isUtf8 } from 'node:buffer'

/** Server text as UTF-8 or else Latin-1, cut (QUIRKS CON-06). It stays hostile: whoever prints it escapes it. */
export function decodeText(line: Uint8Array, scrub: (text: string) => string): string {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  const text = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1')
  return scrub(text).slice(0, maxText)
}

/** Characters of a server's words that are worth showing. */
export const maxText = 300
