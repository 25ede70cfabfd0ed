import { createHash } from 'node:crypto'
import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'

/** SASL PLAIN's one message, in base64 (RFC 4616 §2). */
export function plainResponse(user: string, password: Secret, authzid = ''): string {
  return Buffer.from(`${authzid}\0${user}\0${text(password)}`).toString('base64')
}

/** The argument of PASS: the password as it is, blanks included (QUIRKS AUT-12). */
export function passArgument(password: Secret): string {
  return text(password)
}

/** The digest of APOP (RFC 1939 §7). */
export function apopDigest(timestamp: string, password: Secret): string {
  return createHash('md5')
    .update(timestamp + text(password))
    .digest('hex')
}

/** Replaces the password, its base64, hexadecimal and URL forms, and more forms of it, in any case, by `***` (QUIRKS SEC-02). */
export function scrubber(password: Secret, ...more: readonly string[]): (text: string) => string {
  const secret = text(password)
  const bytes = Buffer.from(secret)
  // Latin-1 is how the echo of another character set is decoded.
  const encoded = (['base64', 'hex', 'latin1'] as const).map((encoding) => bytes.toString(encoding))
  const inUrl = encodeURIComponent(bytes.toString())
  const forms = new Set([secret, ...encoded, inUrl, ...more].filter((form) => form !== ''))
  const patterns = [...forms].map((form) => new RegExp(form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi'))
  return (shown) => patterns.reduce((left, pattern) => left.replaceAll(pattern, '***'), shown)
}

/** Line ends and NUL would end the command and start another one (QUIRKS AUT-12). */
function text(password: Secret): string {
  const revealed = password.reveal()
  if (/[\r\n\0]/.test(revealed)) throw new Fault('auth-failed', 'the password contains a line end or a NUL')
  return revealed
}
