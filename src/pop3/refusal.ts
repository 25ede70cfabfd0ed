import type { Connection } from '../net/connection.js'
import type { Fault, FaultCode } from '../ports/fault.js'
import type { Reply } from './reply.js'

/** The Fault for a refusal that is not about the command but passes by itself; undefined where it says no more than no. */
export function passingFault(reply: Reply, connection: Connection, loginDelayMs?: number): Fault | undefined {
  const reason = passingReason(reply)
  if (!reason) return undefined
  const retryAfterMs = pauseIn(reply.words) ?? (reply.code === 'LOGIN-DELAY' ? loginDelayMs : undefined)
  const facts = { reply: reply.text, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return connection.fault(reason.code, reason.words, facts)
}

/** A RETR refused because of the amount, not because of the message (QUIRKS RET-16). */
export function isThrottle(reply: Reply): boolean {
  if (reply.code === 'SYS/TEMP' || reply.code === 'LOGIN-DELAY') return true
  const { words } = reply
  return /\brate\b|limit|too many|try again/.test(words) && !/\bsize\b/.test(words)
}

/** It is the credentials, and nothing else: a second attempt would be one towards a locked account (QUIRKS AUT-01). */
export function isClear(reply: Reply): boolean {
  return reply.code === 'AUTH' || reply.code === 'SYS/PERM' || wrongPassword.test(reply.words)
}

/** The command or mechanism itself is refused, whatever the credentials; "unknown user" is another matter. */
export function isUnknown({ status, code, words }: Reply): boolean {
  if (status !== 'error') return false
  if (/(?:unknown|unrecogni[sz]ed|unsupported) (?:\w+ )?(?:command|mechanism|type)/.test(words)) return true
  return code === undefined && /not (?:supported|implemented)/.test(words)
}

/** The server would take the credentials over TLS (RFC 2595 §2.3). */
export function wantsTls({ words }: Reply): boolean {
  const refusesPlain = /(?:plain|clear) ?text.*(?:disallow|disabled|not (?:allowed|permitted|available))/
  return (
    refusesPlain.test(words) ||
    /(?:require|need|must|only|first).*\b(?:stls|starttls|tls|ssl|encrypt\w*|secure)\b/.test(words)
  )
}

/** By response code (RFC 2449 §8, RFC 3206), else by the words that servers use (QUIRKS AUT-01). */
function passingReason(reply: Reply): Refusal | undefined {
  const coded = reply.code === undefined ? undefined : byCode.get(reply.code)
  if (coded) return coded
  const { words } = reply
  // Gmail puts [AUTH] on a throttle, hence before the codes that stand for good.
  if (/too many|exceed|bandwidth|rate limit/.test(words)) return throttled
  if (isClear(reply)) return undefined
  if (/temporar|unavailable|shutting down|\bbusy/.test(words)) return busy
  if (/\block|in use|already (?:open|logged)/.test(words)) return locked
  return /\brate\b|limit|again|later|\bwait|only every/.test(words) ? throttled : undefined
}

/** The pause that a refusal names ("try again in 5 minutes"), in milliseconds. */
export function pauseIn(text: string): number | undefined {
  const [, count, unit] =
    /(?<!\d)(\d{1,8}) ?(ms|millisecond|s|sec|second|m|min|minute|h|hour|d|day)s?\b/i.exec(text) ?? []
  if (count === undefined || unit === undefined) return undefined
  const word = unit.toLowerCase()
  if (word.startsWith('mil') || word === 'ms') return Number(count)
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[word.charAt(0)]
  return seconds === undefined ? undefined : Number(count) * seconds * 1000
}

interface Refusal {
  readonly code: FaultCode
  readonly words: string
}

const locked: Refusal = { code: 'locked', words: 'another session has the maildrop open' }
const throttled: Refusal = { code: 'throttled', words: 'the server limits how often or how much it serves' }
const busy: Refusal = { code: 'server-busy', words: 'the server cannot serve this account just now' }

const byCode: ReadonlyMap<string, Refusal> = new Map([
  ['IN-USE', locked],
  ['LOGIN-DELAY', throttled],
  ['SYS/TEMP', busy],
])

/** Also where the rest of the sentence says "try again" or lists every other reason. */
const wrongPassword = /password|credential|incorrect|invalid|wrong|denied|(?:unknown|no such) user/
