import type { Connection } from '../net/connection.js'
import type { Fault } from '../ports/fault.js'
import { passingFault } from '../imap/refusal.js'
import type { Response } from '../imap/response.js'

/** The Fault for an APPEND that was answered NO or BAD (RFC 5530, RFC 7889 §4, QUIRKS APP-03, APP-04). */
export function appendFault(response: Response, connection: Connection): Fault {
  const facts = { reply: response.text }
  const { words, code } = response
  switch (code?.name) {
    case 'TOOBIG':
      return connection.fault('too-big', 'the server takes no message of this size', facts)
    case 'OVERQUOTA':
      return connection.fault('over-quota', 'the mailbox is full', facts)
    case 'TRYCREATE':
    case 'NONEXISTENT':
      return connection.fault('target-gone', 'the folder is gone', facts)
    default:
  }
  if (/quota|mailbox (?:is )?full/.test(words)) return connection.fault('over-quota', 'the mailbox is full', facts)
  if (/too (?:big|large)|exceeds/.test(words)) {
    return connection.fault('too-big', 'the server takes no message of this size', facts)
  }
  return (
    passingFault(response, connection) ??
    connection.fault('append-refused', 'the server does not take the message', facts)
  )
}
