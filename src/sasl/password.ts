import { createHash } from 'node:crypto'
import type { Secret } from '../ports/secret.js'
import { revealPassword } from './reveal.js'

/** The argument of PASS: the password as it is, blanks included (QUIRKS AUT-12). */
export function passArgument(password: Secret): string {
  return revealPassword(password)
}

/** The digest of APOP (RFC 1939 §7). */
export function apopDigest(timestamp: string, password: Secret): string {
  return createHash('md5')
    .update(timestamp + revealPassword(password))
    .digest('hex')
}
