import { isLoopback } from '../net/loopback.js'
import type { Endpoint } from '../net/connection.js'
import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import { decodeBase64 } from '../sasl/base64.js'
import type { Exchange } from '../sasl/exchange.js'
import { type Mechanism, mechanisms } from '../sasl/mechanisms.js'
import { passArgument } from '../sasl/password.js'
import type { Scrubber } from '../sasl/scrubber.js'
import { beyondAscii } from '../sasl/user-name.js'
import type { Capabilities } from './capability.js'
import type { Dialogue } from './dialogue.js'
import { passingFault } from './refusal.js'
import type { Response } from './response.js'

export interface Credentials {
  readonly user: string
  /** Whom to act as; only PLAIN carries it. */
  readonly authzid?: string | undefined
  readonly password?: Secret | undefined
  /** An OAuth 2.0 access token. */
  readonly token?: Secret | undefined
  /** `auto`, or a mechanism's name in lower case. */
  readonly mechanism: string
}

export interface SignInOptions {
  readonly credentials: Credentials
  readonly endpoint: Endpoint
  readonly capabilities: Capabilities
  readonly scrubber: Scrubber
}

/**
 * Signs in. Credentials that were refused are tried once more only where the mechanism may be to blame: one that keeps
 * the password to itself, at a server whose stored passwords do not allow it (QUIRKS AUT-04). Resolves with the mechanism.
 */
export async function signIn(dialogue: Dialogue, options: SignInOptions): Promise<string> {
  const { wire } = dialogue
  wire.connection.phase = 'sign-in'
  const [first, ...others] = choices(dialogue, options)
  if (!first)
    throw wire.connection.fault('auth-unavailable', 'the server offers no way to sign in that the plan allows')
  wire.hidesChallenges = true
  const fault = await attempt(dialogue, first, options)
  const second = fault && !first.clear ? others.find(({ clear }) => clear) : undefined
  const again = fault?.code === 'auth-failed' ? second : undefined
  const left = again ? await attempt(dialogue, again, options) : fault
  wire.hidesChallenges = false
  if (left) throw left
  return (again ?? first).name
}

/** The mechanisms that may be tried, the strongest first; LOGIN last, be it the mechanism or the command. */
function choices(dialogue: Dialogue, { credentials, endpoint, capabilities }: SignInOptions): readonly Mechanism[] {
  const { mechanism, authzid, password, token } = credentials
  const usable = mechanisms.filter(({ credential }) => (credential === 'token' ? token : password))
  if (mechanism !== 'auto') return usable.filter(({ name }) => name === mechanism.toUpperCase())
  if (authzid !== undefined) return usable.filter(({ name }) => name === 'PLAIN')
  const secure = dialogue.wire.connection.security !== undefined || isLoopback(endpoint.host)
  const command = (name: string): boolean => name === 'LOGIN' && !capabilities.has('LOGINDISABLED')
  const offered = usable.filter(({ name }) => capabilities.offers(name) || command(name))
  // Whoever made a better one fail may be listening.
  return secure ? offered : offered.filter(({ clear }) => !clear || offered.every((one) => one.clear))
}

async function attempt(dialogue: Dialogue, mechanism: Mechanism, options: SignInOptions): Promise<Fault | undefined> {
  const { credentials, capabilities, endpoint, scrubber } = options
  const { connection } = dialogue.wire
  const { user, authzid, password, token } = credentials
  const secret = mechanism.credential === 'token' ? token : password
  if (!secret) throw new Error('a mechanism without its credential')
  if (mechanism.name === 'LOGIN' && !capabilities.offers('LOGIN')) {
    const parts = ['LOGIN ', { text: user }, ' ', { text: passArgument(secret) }]
    return verdict(await dialogue.run(parts, { shown: `LOGIN ${user} ***` }), options, dialogue)
  }
  const exchange = mechanism.start({ user, authzid, host: endpoint.host, port: endpoint.port }, secret)
  const answer = await authenticate(dialogue, { name: mechanism.name, exchange }, options)
  if (answer.ok) {
    named(dialogue, () => {
      exchange.finish()
    })
    return undefined
  }
  const fault = verdict(answer, options, dialogue)
  if (!exchange.refusal || !fault) return fault
  const words = scrubber.scrub(exchange.refusal.words)
  return connection.fault(fault.code, fault.message, { ...fault.facts, reply: `${answer.text} (${words})` })
}

/** AUTHENTICATE (RFC 3501 §6.2.2), with the first response in its line where SASL-IR is offered (RFC 4959). */
async function authenticate(
  dialogue: Dialogue,
  { name, exchange }: { readonly name: string; readonly exchange: Exchange },
  { capabilities, scrubber }: SignInOptions,
): Promise<Response> {
  const { initial } = exchange
  const encoded = (response: Buffer): string => {
    const text = response.toString('base64')
    scrubber.add(text)
    return text
  }
  const inLine = initial && capabilities.has('SASL-IR')
  const { answered } = await dialogue.begin({}, async (command) => {
    if (inLine) await command.line([`AUTHENTICATE ${name} ${encoded(initial) || '='}`], `AUTHENTICATE ${name} ***`)
    else await command.line([`AUTHENTICATE ${name}`], `AUTHENTICATE ${name}`)
    for (let due = inLine ? undefined : initial; ; due = undefined) {
      const challenge = decodeBase64(await command.invitation())
      const response = due ?? (await exchange.respond(challenge).catch((error: unknown) => rename(dialogue, error)))
      command.answer(encoded(response), '***')
    }
  })
  return answered
}

/** What a failed attempt means; undefined where it succeeded. */
function verdict(
  answer: Response,
  { credentials, capabilities }: SignInOptions,
  dialogue: Dialogue,
): Fault | undefined {
  if (answer.ok) return undefined
  const { connection } = dialogue.wire
  const passing = answer.code?.name === 'AUTHENTICATIONFAILED' ? undefined : passingFault(answer, connection)
  const what = credentials.password ? 'user or password' : 'the access token'
  const hint = capabilities.has('UTF8=ACCEPT') ? undefined : beyondAscii(credentials.user)
  const facts = { reply: answer.text, ...(hint !== undefined && { hint }) }
  return passing ?? connection.fault('auth-failed', `the server refuses ${what}`, facts)
}

function named(dialogue: Dialogue, act: () => void): void {
  try {
    act()
  } catch (error) {
    rename(dialogue, error)
  }
}

/** A mechanism does not know whom it talks to. */
function rename(dialogue: Dialogue, error: unknown): never {
  if (!(error instanceof Fault)) throw error
  throw dialogue.wire.connection.fault(error.code, error.message, error.facts)
}
