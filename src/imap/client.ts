import { Connection, type Endpoint } from '../net/connection.js'
import type { TlsSettings } from '../net/tls.js'
import type { Patience, Transcript } from '../net/wire-options.js'
import type { SignInFacts } from '../ports/sign-in-facts.js'
import { passArgument } from '../sasl/password.js'
import { revealToken } from '../sasl/reveal.js'
import { Scrubber } from '../sasl/scrubber.js'
import { type Capabilities, capabilitiesIn } from './capability.js'
import { Dialogue } from './dialogue.js'
import { passingFault } from './refusal.js'
import { signIn, type Credentials } from './sign-in.js'
import { Wire } from './wire.js'

/** How to get to a signed-in connection. */
export interface ImapOptions extends Endpoint {
  readonly tls: 'implicit' | 'starttls' | 'none'
  readonly tlsSettings: TlsSettings
  readonly credentials: Credentials
  readonly patience: Patience
  readonly transcript?: Transcript | undefined
}

/** A signed-in IMAP connection (RFC 3501 §3.2). After any Fault it must be dropped. */
export class ImapClient {
  readonly dialogue: Dialogue
  readonly capabilities: Capabilities
  readonly #mechanism: string

  /** Connects, secures and signs in; what was said before TLS or sign-in is forgotten each time. */
  static async open(options: ImapOptions, signal: AbortSignal): Promise<ImapClient> {
    const { patience, transcript, credentials } = options
    const { password, token } = credentials
    // Refuses what cannot be sent before anything is contacted.
    if (password) passArgument(password)
    if (token) revealToken(token)
    const scrubber = new Scrubber(...[password, token].filter((secret) => secret !== undefined))
    const scrub = (text: string): string => scrubber.scrub(text)
    const connection = await Connection.dial(options, patience.connect, signal)
    try {
      if (options.tls === 'implicit') await connection.secure(options.tlsSettings)
      const dialogue = new Dialogue(new Wire(connection, { patience, transcript, scrub }))
      await greet(dialogue)
      if (options.tls === 'starttls') await startTls(dialogue, options.tlsSettings)
      const offered = await learnCapabilities(dialogue)
      dialogue.capabilities = undefined
      const mechanism = await signIn(dialogue, { credentials, capabilities: offered, scrubber, endpoint: options })
      const capabilities = await learnCapabilities(dialogue)
      // NetEase opens no folder for a client that has not said who it is (QUIRKS PRV-08). Nobody waits for the answer: the
      // server takes it before whatever is asked next.
      if (offered.has('ID') || capabilities.has('ID')) void dialogue.run([identity]).catch(() => undefined)
      dialogue.freeLiteral = capabilities.freeLiteral
      return new ImapClient(dialogue, capabilities, mechanism)
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  private constructor(dialogue: Dialogue, capabilities: Capabilities, mechanism: string) {
    this.dialogue = dialogue
    this.capabilities = capabilities
    this.#mechanism = mechanism
  }

  get facts(): SignInFacts {
    const { tls } = this.dialogue.wire.connection
    return { tls, mechanism: this.#mechanism.toLowerCase(), capabilities: this.capabilities.names }
  }

  /** A missing answer changes nothing any more. */
  async logout(): Promise<void> {
    const { connection, patience } = this.dialogue.wire
    connection.phase = 'LOGOUT'
    connection.limit(Math.min(logoutMs, patience.reply))
    await this.dialogue.run(['LOGOUT']).catch(() => undefined)
    this.drop()
  }

  drop(): void {
    this.dialogue.wire.connection.destroy()
  }
}

/** Waits for the server's first line, the last thing that the connect limit covers. */
async function greet(dialogue: Dialogue): Promise<void> {
  const { wire } = dialogue
  const { connection, patience } = wire
  connection.phase = 'greeting'
  if (connection.security !== undefined) wire.remark(connection.security)
  const greeting = await wire.response(patience.connect)
  connection.settle()
  const facts = { reply: greeting.text }
  if (greeting.tag !== '*') throw connection.fault('wrong-protocol', 'this is not an IMAP server', facts)
  if (greeting.ok) {
    dialogue.capabilities = capabilitiesIn(greeting)
    return
  }
  if (greeting.name === 'PREAUTH') {
    // Nobody knows as whom; TLS cannot be started any more either (RFC 9051 §7.1.4).
    throw connection.fault('auth-unavailable', 'the server takes us for somebody who has signed in (PREAUTH)', facts)
  }
  if (greeting.name !== 'BYE') throw connection.fault('wrong-protocol', 'this is not an IMAP server', facts)
  throw passingFault(greeting, connection) ?? connection.fault('server-busy', 'the server turns us away', facts)
}

/** Most servers list them unasked in the greeting and with the answer to a sign-in, which saves a round trip each. */
async function learnCapabilities(dialogue: Dialogue): Promise<Capabilities> {
  const { capabilities: known } = dialogue
  if (known) return known
  const { connection } = dialogue.wire
  connection.phase = 'CAPABILITY'
  const answer = await dialogue.run(['CAPABILITY'])
  if (dialogue.capabilities) return dialogue.capabilities
  throw connection.fault('protocol', 'the server does not list its capabilities', { reply: answer.text })
}

/** RFC 3501 §6.2.1. Without TLS nothing more is sent, whatever the reason (QUIRKS TLS-01 to TLS-03). */
async function startTls(dialogue: Dialogue, settings: TlsSettings): Promise<void> {
  const { connection, patience } = dialogue.wire
  const capabilities = await learnCapabilities(dialogue)
  connection.phase = 'STARTTLS'
  if (!capabilities.has('STARTTLS')) throw connection.fault('starttls-missing', 'the server does not offer STARTTLS')
  const answer = await dialogue.run(['STARTTLS'])
  if (!answer.ok) throw connection.fault('starttls-missing', 'the server refuses STARTTLS', { reply: answer.text })
  if (!dialogue.wire.quiet) throw connection.fault('starttls-injected', 'data arrived before the TLS handshake')
  connection.limit(patience.connect)
  await connection.secure(settings)
  connection.settle()
  dialogue.capabilities = undefined
  dialogue.wire.remark(connection.security ?? '')
}

/** RFC 2971 §3.1. NetEase wants some version; which one is nobody's business. */
const identity = 'ID ("name" "popferry" "version" "1")'
const logoutMs = 10_000
