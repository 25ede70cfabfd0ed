import { headerField } from './header.js'

/** Which date a stored message carries (CONTRACT, date rule). */
export type DateRule = 'received' | 'date' | 'now'

/**
 * The message's date by the rule, in ms since 1970; undefined if it has none that is plausible (1970 to now + 2 days).
 * `received`: the top-most Received, else Date. `date`: Date alone. `now`: the time of the copy.
 */
export function ruleDate(header: Uint8Array, rule: DateRule, now: number): number | undefined {
  if (rule === 'now') return now
  const received = rule === 'received' ? headerField(header, 'received') : undefined
  // RFC 5321 §4.4: the date stands behind the last semicolon.
  const candidates = [received?.slice(received.lastIndexOf(';') + 1), headerField(header, 'date')]
  for (const text of candidates) {
    const date = text === undefined ? undefined : parseDate(text)
    if (date !== undefined && date >= 0 && date <= now + twoDaysMs) return date
  }
  return undefined
}

/** The message's own date where its copy is dated by `rule` with `date`. */
export function ownDate(header: Uint8Array, rule: DateRule, date: number | undefined): number | undefined {
  // A copy that is dated `now` says nothing of the message.
  return rule === 'now' && date !== undefined ? ruleDate(header, 'received', date) : date
}

/** That of a message whose copy was dated by the rule. */
export function dateOf(
  { header }: { readonly header: Uint8Array },
  rule: DateRule,
  clock: { now(): number },
): number | undefined {
  const now = clock.now()
  return ownDate(header, rule, ruleDate(header, rule, now))
}

const twoDaysMs = 2 * 24 * 60 * 60 * 1000

/**
 * RFC 5322 §3.3 with the obsolete forms of §4.3; undefined for anything else, an impossible day included: JavaScript's
 * own parser turns 31 February into March without a word (QUIRKS MSG-03).
 */
export function parseDate(text: string): number | undefined {
  const match = form.exec(withoutComments(text.slice(0, 256)))
  if (!match) return undefined
  const [, day, monthName = '', yearText = '', hour, minute, second = '0', zone = ''] = match
  const month = months.indexOf(monthName.toLowerCase())
  const year = fullYear(yearText)
  const offset = zoneMinutes(zone)
  if (month < 0 || year === undefined || offset === undefined) return undefined
  const at = new Date(0)
  at.setUTCFullYear(year, month, Number(day))
  if (at.getUTCMonth() !== month || at.getUTCDate() !== Number(day)) return undefined
  // A leap second counts as the one before it.
  const seconds = Math.min(Number(second), 59)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  return at.getTime() + ((Number(hour) * 60 + Number(minute) - offset) * 60 + seconds) * 1000
}

const form =
  /^\s*(?:[a-z]{3,9}\.?\s*,?\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2})(?:\.\d+)?)?\s*([+-]\d{4}|[a-z]{1,5})?/i

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** RFC 5322 §3.2.2: comments nest; an unclosed one swallows the rest. */
function withoutComments(text: string): string {
  let depth = 0
  let kept = ''
  for (const char of text) {
    if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth === 0) kept += char
  }
  return kept
}

/** RFC 5322 §4.3: two digits up to 49 are of this century, three count from 1900. */
function fullYear(text: string): number | undefined {
  const year = Number(text)
  if (text.length === 4) return year
  return text.length === 2 && year < 50 ? 2000 + year : 1900 + year
}

/** Minutes east of Greenwich; unknown letters mean an unknown zone, which RFC 5322 §4.3 takes for UTC. */
function zoneMinutes(zone: string): number | undefined {
  if (/^[+-]/.test(zone)) {
    const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))
    return Number(zone.slice(3)) > 59 ? undefined : minutes * (zone.startsWith('-') ? -1 : 1)
  }
  return (zones[zone.toUpperCase()] ?? 0) * 60
}

const zones: Readonly<Record<string, number>> = {
  EDT: -4,
  EST: -5,
  CDT: -5,
  CST: -6,
  MDT: -6,
  MST: -7,
  PDT: -7,
  PST: -8,
  CET: 1,
  CEST: 2,
  JST: 9,
}
