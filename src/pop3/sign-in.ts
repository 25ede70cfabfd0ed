import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import { apopDigest, passArgument, plainResponse } from '../sasl/password.js'
import { apopTimestamp } from '../sasl/timestamp.js'
import type { Capabilities } from './capability.js'
import { passingFault } from './refusal.js'
import type { Reply } from './reply.js'
import type { Wire } from './wire.js'

export interface Credentials {
  readonly user: string
  readonly password: Secret
  /** Needs SASL PLAIN. */
  readonly authzid?: string | undefined
  /** `auto`: PLAIN where offered, else USER and PASS; never APOP. */
  readonly mechanism: 'auto' | 'user' | 'apop' | 'plain'
}

/** What the server has said so far. */
export interface Greeted {
  readonly greeting: Reply
  /** Undefined where the server does not know CAPA. */
  readonly capabilities: Capabilities | undefined
}

/** Signs in. A password that was refused is not tried again with another mechanism (QUIRKS AUT-04). */
export async function signIn(wire: Wire, server: Greeted, credentials: Credentials): Promise<void> {
  wire.connection.phase = 'sign-in'
  let reply = await firstChoice(wire, server, credentials)
  // Advertised but unknown after all (QUIRKS CAP-04): the password was not judged. Without PLAIN the sign-in would be to
  // the master user's own maildrop.
  const another = credentials.mechanism === 'auto' && credentials.authzid === undefined
  if (isUnknown(reply) && another) reply = await userPass(wire, credentials)
  if (reply.ok) return
  if (reply.status !== 'error') throw wire.outOfStep(reply)
  const passing = passingFault(reply, wire.connection, server.capabilities?.loginDelayMs)
  if (passing) throw passing
  const facts = { reply: reply.text }
  if (isUnknown(reply))
    throw wire.connection.fault('auth-unavailable', 'the server does not know this mechanism', facts)
  throw wire.connection.fault('auth-failed', 'the server refuses user or password', facts)
}

async function firstChoice(wire: Wire, server: Greeted, credentials: Credentials): Promise<Reply> {
  const { mechanism, authzid } = credentials
  if (mechanism === 'apop') return apop(wire, server, credentials)
  const offered = mechanism === 'auto' && server.capabilities?.offers('PLAIN')
  if (mechanism === 'plain' || authzid !== undefined || offered) return plain(wire, credentials)
  return userPass(wire, credentials)
}

/** RFC 1939 §7. A refused USER ends it: no password is sent (QUIRKS AUT-03). */
async function userPass(wire: Wire, { user, password }: Credentials): Promise<Reply> {
  const pass = passArgument(password)
  const reply = await wire.ask(`USER ${user}`)
  return reply.ok ? verdict(wire, `PASS ${pass}`, 'PASS ***') : reply
}

async function apop(wire: Wire, { greeting }: Greeted, { user, password }: Credentials): Promise<Reply> {
  const timestamp = apopTimestamp(greeting.line)
  if (timestamp === undefined) {
    const facts = { reply: greeting.text }
    throw wire.connection.fault('auth-unavailable', 'the greeting has no timestamp for APOP', facts)
  }
  return verdict(wire, `APOP ${user} ${apopDigest(timestamp, password)}`, `APOP ${user} ***`)
}

/** RFC 5034 §4: in one line if that fits into 255 octets, else, or if asked again, in two (QUIRKS AUT-06, AUT-08). */
async function plain(wire: Wire, { user, password, authzid }: Credentials): Promise<Reply> {
  const response = plainResponse(user, password, authzid)
  const line = `AUTH PLAIN ${response}`
  const fits = line.length <= maxCommand
  const reply = fits ? await verdict(wire, line, 'AUTH PLAIN ***') : await wire.ask('AUTH PLAIN')
  const asked = reply.status === 'continue' || (reply.ok && !fits)
  return asked ? verdict(wire, response, '***') : reply
}

/** Many servers hang up on a wrong password instead of answering (QUIRKS AUT-02). */
async function verdict(wire: Wire, line: string, shown: string): Promise<Reply> {
  try {
    return await wire.ask(line, shown)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'connection-lost') throw error
    throw wire.connection.fault('auth-failed', 'the server hung up on user and password', { cause: error })
  }
}

/** The command or mechanism itself was refused, whatever the password; "unknown user" is another matter. */
function isUnknown(reply: Reply): boolean {
  if (reply.status !== 'error' || reply.code !== undefined) return false
  return /(?:unknown|unrecogni[sz]ed|unsupported) (?:\w+ )?(?:command|mechanism|type)|not (?:supported|implemented)/i.test(
    reply.words,
  )
}

/** RFC 2449 §4, without the CRLF. */
const maxCommand = 253
