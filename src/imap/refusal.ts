import type { Connection } from '../net/connection.js'
import type { Fault, FaultCode } from '../ports/fault.js'
import type { Response } from './response.js'

/** The Fault for a refusal that passes by itself; undefined where it says no more than no (RFC 5530 §3). */
export function passingFault(response: Response, connection: Connection): Fault | undefined {
  const reason = passingReason(response)
  if (!reason) return undefined
  const [code, words] = reason
  const retryAfterMs = pauseIn(response.words)
  const facts = { reply: response.text, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return connection.fault(code, words, facts)
}

type Reason = readonly [FaultCode, string]

function passingReason({ code, words }: Response): Reason | undefined {
  // Exchange and Gmail throttle in words (QUIRKS APP-06).
  if (/throttl|backoff|too many|bandwidth|rate limit/.test(words)) return throttled
  switch (code?.name) {
    case 'LIMIT':
      return throttled
    case 'INUSE':
      return ['locked', 'the mailbox is in use']
    case 'UNAVAILABLE':
    case 'SERVERBUG':
      return ['server-busy', 'the server cannot do this just now']
    case undefined:
      return /temporar|unavailable|try again|\bbusy|shutting down/.test(words)
        ? ['server-busy', 'the server cannot do this just now']
        : undefined
    default:
      return undefined
  }
}

const throttled: Reason = ['throttled', 'the server limits how much it takes']

/** "Suggested Backoff Time: 299961 milliseconds", "try again in 5 minutes"; in ms. */
function pauseIn(words: string): number | undefined {
  const [, count, unit = ''] =
    /(\d{1,9}) ?(milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|[smh])\b/.exec(words) ?? []
  if (count === undefined) return undefined
  const factor =
    unit.startsWith('mil') || unit === 'ms'
      ? 1
      : unit.startsWith('s')
        ? 1000
        : unit.startsWith('m')
          ? 60_000
          : 3_600_000
  return Number(count) * factor
}
