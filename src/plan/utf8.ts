/** The text, or the line in which bytes stand that are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string } | { readonly badLine: number } {
  try {
    return { text: utf8(bytes) }
  } catch {
    return { badLine: firstBadLine(bytes) }
  }
}

/** By its byte order mark, or by the NUL that one of the first letters has there. */
export function looksLikeUtf16(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4).includes(0) || startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)
}

export function hasByteOrderMark(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0xef, 0xbb, 0xbf)
}

function startsWith(bytes: Uint8Array, ...prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte)
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

function firstBadLine(bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start)
    try {
      utf8(bytes.subarray(start, end < 0 ? undefined : end))
    } catch {
      return line
    }
    start = end + 1
  }
}
