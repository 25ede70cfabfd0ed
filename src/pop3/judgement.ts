import type { Connection } from '../net/connection.js'
import { Fault } from '../ports/fault.js'
import type { Refusal } from '../sasl/exchange.js'
import { mechanisms } from '../sasl/mechanisms.js'
import type { Outcome } from './authenticate.js'
import type { Experience } from './credentials.js'
import { isClear, isUnknown, passingFault, wantsTls } from './refusal.js'
import type { Reply } from './reply.js'

/** A failed sign-in of which another one, on another connection, may make something. */
export class RefusedSignIn extends Fault {
  readonly remedy: Remedy

  constructor({ code, message, facts }: Fault, remedy: Remedy) {
    super(code, message, facts)
    this.remedy = remedy
  }
}

/**
 * - `reconnect`: the credentials were not judged, and something was learnt that the next attempt does otherwise.
 * - The one second attempt that a refusal gets (QUIRKS AUT-01): `other-mechanism`, as learnt; `other-token`, if there is
 *   one; `later`, the same again after a pause.
 */
export type Remedy = 'reconnect' | 'other-mechanism' | 'other-token' | 'later'

export interface Circumstances {
  readonly connection: Connection
  readonly loginDelayMs: number | undefined
  /** Is told which mechanisms do not work. */
  readonly experience: Experience
  /** What may be wrong with the user name. */
  readonly advice: string | undefined
  /** What the server has told within the exchange, without secrets. */
  readonly refusal: Refusal | undefined
  /** The mechanisms that could be tried after this one, as far as experience goes by now. */
  readonly others: () => readonly string[]
}

/** What a failed attempt means; undefined where the next mechanism may be tried on the same connection. */
export function judge(name: string, { ended, told }: Outcome, around: Circumstances): Fault | undefined {
  if (ended instanceof Fault) return hungUp(name, told, { ...around, cause: ended })
  const passing = passingFault(ended, around.connection, around.loginDelayMs)
  if (passing) return passing
  if (around.connection.security === undefined && wantsTls(ended)) {
    const hint = 'set `tls` to implicit or starttls'
    return around.connection.fault('auth-unavailable', 'the server wants TLS first', { reply: ended.text, hint })
  }
  if (told === 'name' || isUnknown(ended)) return unknown(name, ended, around)
  return refused(name, { reply: ended, told }, around)
}

function hungUp(name: string, told: Outcome['told'], around: Circumstances & { readonly cause: Fault }): Fault {
  const { connection, cause } = around
  if (told === 'all') {
    const what = isToken(name) ? 'the access token' : 'user and password'
    const facts = { cause, ...hintFor(name, around) }
    return new RefusedSignIn(connection.fault('auth-failed', `the server hung up on ${what}`, facts), 'later')
  }
  const fault = connection.fault('auth-unavailable', `the server hung up on AUTH ${name}`, { cause })
  return new RefusedSignIn(fault, learns(name, around) ? 'reconnect' : 'later')
}

/** The command or mechanism itself was refused, whatever the credentials (QUIRKS CAP-04). */
function unknown(name: string, reply: Reply, around: Circumstances): Fault | undefined {
  const facts = { reply: reply.text }
  const fault = around.connection.fault('auth-unavailable', `the server does not accept ${command(name)}`, facts)
  if (isUnknown(reply)) return leaves(name, around) ? undefined : fault
  if (!learns(name, around)) return fault
  return around.experience.unfit.has(name) ? undefined : new RefusedSignIn(fault, 'reconnect')
}

function refused(
  name: string,
  { reply, told }: { readonly reply: Reply; readonly told: Outcome['told'] },
  around: Circumstances,
): Fault {
  const { connection, refusal } = around
  const text = [reply.text, ...(refusal ? [`(${refusal.words})`] : [])].join(' ')
  const what = isToken(name) ? 'the access token' : 'user or password'
  const facts = { reply: text, ...hintFor(name, around) }
  const fault = connection.fault('auth-failed', `the server refuses ${what}`, facts)
  if (refusal?.expired) return new RefusedSignIn(fault, 'other-token')
  // Servers offer more than their stored passwords allow (QUIRKS AUT-04); Dovecot then refuses before there is a proof.
  const unjudged = told === 'part' || !isClear(reply)
  if (unjudged && indirectNames.includes(name) && leaves(name, around, indirectNames)) {
    return new RefusedSignIn(fault, 'other-mechanism')
  }
  return isClear(reply) ? fault : new RefusedSignIn(fault, 'later')
}

/** Whether the next attempt has something else to try, which is noted. */
function learns(name: string, around: Circumstances): boolean {
  if (isToken(name) && !around.experience.tokenInLine) {
    around.experience.tokenInLine = true
    return true
  }
  return leaves(name, around)
}

/** Whether others are left without these; if so, they count as unfit. */
function leaves(name: string, { experience, others }: Circumstances, unfit: readonly string[] = [name]): boolean {
  const added = unfit.filter((one) => !experience.unfit.has(one))
  for (const one of added) experience.unfit.add(one)
  if (others().length > 0) return true
  for (const one of added) experience.unfit.delete(one)
  return false
}

function isToken(name: string): boolean {
  return mechanisms.some((known) => known.name === name && known.credential === 'token')
}

function command(name: string): string {
  return name === 'USER' || name === 'APOP' ? name : `AUTH ${name}`
}

function hintFor(name: string, { advice: hint }: Circumstances): { readonly hint?: string } {
  if (hint !== undefined) return { hint }
  if (isToken(name)) return { hint: 'get a new token: of this user, with the right to read mail by POP (its scope)' }
  if (!indirectNames.includes(name)) return {}
  const also = `a server that stores passwords in a form that ${name} cannot use refuses it as well: try \`auth: plain\``
  return { hint: `check user and password; ${also}` }
}

/** They keep the password to themselves. */
const indirectNames = mechanisms.flatMap(({ name, clear }) => (clear ? [] : [name]))
