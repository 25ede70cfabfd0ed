import type { Endpoint } from '../net/connection.js'
import { isLoopback } from '../net/loopback.js'
import { Fault } from '../ports/fault.js'
import type { Secret } from '../ports/secret.js'
import type { Refusal } from '../sasl/exchange.js'
import { mechanisms } from '../sasl/mechanisms.js'
import { apopDigest, passArgument } from '../sasl/password.js'
import type { Scrubber } from '../sasl/scrubber.js'
import { beyondAscii } from '../sasl/user-name.js'
import { apopTimestamp } from '../sasl/timestamp.js'
import { authenticate, verdict, type Outcome } from './authenticate.js'
import type { Capabilities } from './capability.js'
import { choices, type Credentials, type Experience } from './credentials.js'
import { judge } from './judgement.js'
import type { Reply } from './reply.js'
import type { Wire } from './wire.js'

export interface SignInOptions {
  readonly credentials: Credentials
  readonly endpoint: Endpoint
  /** Read, and added to. */
  readonly experience: Experience
  readonly scrubber: Scrubber
}

/** What the server has said so far. */
export interface Greeted {
  readonly greeting: Reply
  /** Undefined where the server does not know CAPA. */
  readonly capabilities: Capabilities | undefined
}

/**
 * Signs in, or throws: a RefusedSignIn where another attempt makes sense. Credentials that were refused are not tried
 * again here, only a mechanism that turns out not to exist is followed by the next one. Resolves with the one that worked.
 */
export async function signIn(wire: Wire, server: Greeted, options: SignInOptions): Promise<string> {
  wire.connection.phase = 'sign-in'
  wire.hidesChallenges = true
  const mechanism = await new SignIn(wire, server, options).run()
  wire.hidesChallenges = false
  return mechanism
}

class SignIn {
  readonly #wire: Wire
  readonly #server: Greeted
  readonly #options: SignInOptions
  #refusal: Refusal | undefined

  constructor(wire: Wire, server: Greeted, options: SignInOptions) {
    this.#wire = wire
    this.#server = server
    this.#options = options
  }

  async run(): Promise<string> {
    for (;;) {
      const [name] = this.#choices()
      if (name === undefined) throw this.#nothingOffered()
      this.#refusal = undefined
      const outcome = await this.#try(name)
      const { ended } = outcome
      if (!(ended instanceof Fault)) {
        if (ended.ok) return name
        if (ended.status !== 'error') throw this.#wire.outOfStep(ended)
      }
      const fault = judge(name, outcome, {
        connection: this.#wire.connection,
        loginDelayMs: this.#server.capabilities?.loginDelayMs,
        experience: this.#options.experience,
        advice: this.#server.capabilities?.has('UTF8') ? undefined : beyondAscii(this.#options.credentials.user),
        others: () => this.#choices().filter((other) => other !== name),
        refusal: this.#refusal,
      })
      if (fault) throw fault
    }
  }

  #choices(): readonly string[] {
    const { connection } = this.#wire
    const { credentials, endpoint, experience } = this.#options
    const secure = connection.security !== undefined || isLoopback(endpoint.host)
    return choices(credentials, experience, { secure, capabilities: this.#server.capabilities })
  }

  async #try(name: string): Promise<Outcome> {
    if (name === 'USER') return this.#userPass()
    if (name === 'APOP') return this.#apop()
    const { credentials, endpoint, experience, scrubber } = this.#options
    const mechanism = mechanisms.find((known) => known.name === name)
    if (!mechanism) throw new Error(`no mechanism ${name}`)
    const isToken = mechanism.credential === 'token'
    const { user, authzid } = credentials
    const identity = { user, authzid, host: endpoint.host, port: endpoint.port }
    const exchange = mechanism.start(identity, isToken ? this.#token() : this.#password())
    // Microsoft hangs up on a token in the line of the command (QUIRKS AUT-08); RFC 2449 §4 limits all such lines.
    const octets = `AUTH ${name} `.length + (exchange.initial?.toString('base64').length ?? 0)
    const inLine = isToken ? experience.tokenInLine : octets <= maxCommand
    const outcome = await authenticate(this.#wire, { name, exchange, inLine }, scrubber)
    if (exchange.refusal) {
      const words = scrubber.scrub(exchange.refusal.words).slice(0, maxWords)
      this.#refusal = { ...exchange.refusal, words }
      this.#wire.remark(`${name} refused: ${words}`)
    }
    return outcome
  }

  /** RFC 1939 §7. A refused USER ends it: no password is sent (QUIRKS AUT-03). */
  async #userPass(): Promise<Outcome> {
    const pass = passArgument(this.#password())
    const reply = await this.#wire.ask(`USER ${this.#options.credentials.user}`)
    const ended = reply.ok ? await verdict(this.#wire, `PASS ${pass}`, 'PASS ***') : reply
    return { ended, told: 'all' }
  }

  async #apop(): Promise<Outcome> {
    const { greeting } = this.#server
    const timestamp = apopTimestamp(greeting.line)
    if (timestamp === undefined) {
      const facts = { reply: greeting.text }
      throw this.#wire.connection.fault('auth-unavailable', 'the greeting has no timestamp for APOP', facts)
    }
    const { user } = this.#options.credentials
    const digest = apopDigest(timestamp, this.#password())
    this.#options.scrubber.add(digest)
    return { ended: await verdict(this.#wire, `APOP ${user} ${digest}`, `APOP ${user} ***`), told: 'all' }
  }

  #password(): Secret {
    return this.#needed(this.#options.credentials.password, 'password')
  }

  #token(): Secret {
    return this.#needed(this.#options.credentials.token, 'oauth2.accessToken')
  }

  #needed(secret: Secret | undefined, key: string): Secret {
    if (secret) return secret
    throw this.#wire.connection.fault('auth-unavailable', `the plan has no ${key}`, { hint: `add \`${key}\`` })
  }

  #nothingOffered(): Fault {
    const { token, password } = this.#options.credentials
    const facts = { hint: 'name one with `auth`, as `auth: xoauth2`, or use a password' }
    if (token && !password)
      return this.#wire.connection.fault('auth-unavailable', 'the server offers no sign-in with a token', facts)
    return this.#wire.connection.fault('auth-unavailable', 'no sign-in that the server offers works')
  }
}

/** RFC 2449 §4, without the CRLF. */
const maxCommand = 253
const maxWords = 200
