import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'

/** A password's text, checked: line ends and NUL would end the command and start another one (QUIRKS AUT-12). */
export function revealPassword(password: Secret): string {
  const text = password.reveal()
  if (/[\r\n\0]/.test(text)) throw new Fault('auth-failed', 'the password contains a line end or a NUL')
  return text
}

/** An access token's text: visible ASCII (RFC 6750 §2.1), so that nothing can end the message around it. */
export function revealToken(token: Secret): string {
  const text = token.reveal()
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw new Fault('auth-failed', 'the access token has characters that no token has', {
    hint: 'oauth2.accessToken must give the token and nothing else: no JSON, no "Bearer"',
  })
}

export function sameSecret(one: Secret, other: Secret): boolean {
  return one.reveal() === other.reveal()
}
