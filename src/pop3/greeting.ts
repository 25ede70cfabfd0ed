import { Fault } from '../ports/fault.js'
import { passingFault } from './refusal.js'
import type { Reply } from './reply.js'
import type { Wire } from './wire.js'

/** Waits for the server's first line, the last thing that the connect limit covers. */
export async function greet(wire: Wire, encrypted: boolean): Promise<Reply> {
  const { connection, patience } = wire
  connection.phase = 'greeting'
  if (connection.security !== undefined) wire.remark(connection.security)
  const greeting = await (encrypted ? wire.reply(patience.connect) : plainGreeting(wire))
  connection.settle()
  if (greeting.ok) return greeting
  const facts = { reply: greeting.text }
  if (greeting.status !== 'error') throw connection.fault('wrong-protocol', looksLike(greeting.text), facts)
  throw passingFault(greeting, connection) ?? connection.fault('server-busy', 'the server turns us away', facts)
}

/**
 * A server that expects TLS stays silent for ever, like one that is only slow. A QUIT shortly before we give up makes
 * the first hang up, which tells the two apart (QUIRKS CON-04).
 */
async function plainGreeting(wire: Wire): Promise<Reply> {
  const { connection, patience } = wire
  const nudge = { sent: false }
  const timer = setTimeout(() => {
    nudge.sent = true
    wire.send('QUIT')
  }, patience.connect * 0.9)
  try {
    const greeting = await wire.reply(patience.connect)
    if (!nudge.sent) return greeting
    // The QUIT is on its way: its answer would be taken for that to the next command.
    throw connection.fault('timeout', 'the greeting came too late; see timeouts.connect in the plan')
  } catch (error) {
    if (!nudge.sent || !(error instanceof Fault) || error.code !== 'connection-lost') throw error
    throw connection.fault('wrong-protocol', 'this port seems to expect TLS from the first byte', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function looksLike(banner: string): string {
  const [, name] = banners.find(([pattern]) => pattern.test(banner)) ?? []
  return name === undefined ? 'this is not a POP3 server' : `this is ${name}, not a POP3 server`
}

const banners: readonly (readonly [RegExp, string])[] = [
  [/^\* /, 'an IMAP server'],
  [/^220[ -]/, 'an SMTP server'],
  [/^SSH-/, 'an SSH server'],
  [/^HTTP\//, 'a web server'],
]
