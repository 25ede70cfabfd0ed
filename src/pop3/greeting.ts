import { Fault } from '../ports/fault.js'
import { passingFault } from './refusal.js'
import type { Reply } from './reply.js'
import type { Wire } from './wire.js'

/** Waits for the server's first line, the last thing that the connect limit covers. */
export async function greet(wire: Wire, encrypted: boolean): Promise<Reply> {
  const { connection } = wire
  connection.phase = 'greeting'
  if (connection.security !== undefined) wire.remark(connection.security)
  const greeting = await firstLine(wire, encrypted)
  connection.settle()
  if (greeting.ok) return greeting
  const facts = { reply: greeting.text }
  if (greeting.status !== 'error') throw connection.fault('wrong-protocol', looksLike(greeting.text), facts)
  throw passingFault(greeting, connection) ?? connection.fault('server-busy', 'the server turns us away', facts)
}

/**
 * A server that expects TLS, or that waits for its client to begin, stays silent for ever, like one that is only slow. A
 * QUIT shortly before we give up makes the first hang up and a web server answer (QUIRKS CON-04).
 */
async function firstLine(wire: Wire, encrypted: boolean): Promise<Reply> {
  const { connection, patience } = wire
  const nudge = { sent: false }
  const timer = setTimeout(
    () => {
      nudge.sent = true
      wire.send('QUIT')
    },
    connection.leftMs - patience.connect * lastWord,
  )
  try {
    const greeting = await wire.reply(patience.connect)
    if (!nudge.sent || greeting.status === 'other') return greeting
    // The QUIT is on its way: its answer would be taken for that to the next command.
    throw connection.fault('timeout', 'the greeting came too late; see timeouts.connect in the plan')
  } catch (error) {
    if (!nudge.sent || !(error instanceof Fault) || error.code !== 'connection-lost') throw error
    if (encrypted) throw connection.fault('timeout', 'the server did not greet', { cause: error })
    const facts = { cause: error, hint: 'write `tls: implicit`: POP3 with it is usually on port 995' }
    throw connection.fault('wrong-protocol', 'this port seems to expect TLS from the first byte', facts)
  } finally {
    clearTimeout(timer)
  }
}

/** The part of the connect limit that the answer to our QUIT may take. */
const lastWord = 0.1

function looksLike(banner: string): string {
  const [, name] = banners.find(([pattern]) => pattern.test(banner)) ?? []
  return name === undefined ? 'this is not a POP3 server' : `this is ${name}, not a POP3 server`
}

const banners: readonly (readonly [RegExp, string])[] = [
  [/^\* /, 'an IMAP server'],
  [/^(?:220|421|554)[ -]/, 'an SMTP or FTP server'],
  [/^SSH-/, 'an SSH server'],
  [/^HTTP\//, 'a web server'],
]
