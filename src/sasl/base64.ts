/** Strict base64 (RFC 4648 §4); undefined for anything else, where Node would give what it can read. */
export function decodeBase64(text: string): Buffer | undefined {
  const valid = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return valid ? Buffer.from(text, 'base64') : undefined
}
