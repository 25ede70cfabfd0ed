/**
 * The first `<local@domain>` of an APOP greeting, strictly RFC 822 atoms and in linear time: anything looser helps the
 * MD5 collision attack (RFC 1939 §7, QUIRKS AUT-05). Undefined where the greeting has none.
 */
export function apopTimestamp(greeting: Uint8Array): string | undefined {
  let start = -1
  let at = -1
  for (const [index, byte] of greeting.entries()) {
    if (byte === open) {
      start = index
      at = -1
    } else if (start < 0) {
      continue
    } else if (byte === close) {
      if (at > start + 1 && index > at + 1) return Buffer.from(greeting.subarray(start, index + 1)).toString('latin1')
      start = -1
    } else if (byte === commercialAt && at < 0) {
      at = index
    } else if (!atomBytes.has(byte)) {
      start = -1
    }
  }
  return undefined
}

const open = 0x3c
const close = 0x3e
const commercialAt = 0x40
const atoms = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.[]:"
const atomBytes: ReadonlySet<number> = new Set(Buffer.from(atoms))
