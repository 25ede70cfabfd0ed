/**
 * The value of the first field of this name in a header block, unfolded, bytes as Latin-1; undefined if there is none.
 * Linear in the header's size, whatever it holds (QUIRKS MSG-05). `name` in lower case.
 */
export function headerField(header: Uint8Array, name: string): string | undefined {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength)
  for (let start = 0; start < bytes.length; start = nextLine(bytes, start)) {
    if (!startsWithName(bytes, start, name)) continue
    let end = nextLine(bytes, start)
    while (isBlank(bytes[end])) end = nextLine(bytes, end)
    const value = bytes.subarray(start + name.length, Math.min(end, start + maxValue)).toString('latin1')
    const colon = value.indexOf(':')
    return value
      .slice(colon + 1)
      .replaceAll(/\r?\n/g, '')
      .trim()
  }
  return undefined
}

/** Enough for every Received, Date or Return-Path that means something. */
const maxValue = 8 * 1024

function nextLine(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(lf, from)
  return end < 0 ? bytes.length : end + 1
}

function startsWithName(bytes: Buffer, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const byte = bytes[start + index] ?? 0
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte
    if (lower !== name.charCodeAt(index)) return false
  }
  let end = start + name.length
  // Blanks before the colon are obsolete, not wrong (RFC 5322 §4.5).
  while (isBlank(bytes[end])) end++
  return bytes[end] === colon
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

const lf = 0x0a
const colon = 0x3a
