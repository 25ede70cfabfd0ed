import { Connection, type Endpoint } from '../net/connection.js'
import type { TlsSettings } from '../net/tls.js'
import type { Patience, Transcript } from '../net/wire-options.js'
import { Fault } from '../ports/fault.js'
import type { SignInFacts } from '../ports/sign-in-facts.js'
import { Scrubber } from '../sasl/scrubber.js'
import { Capabilities } from './capability.js'
import { refuseUnsendable, type Credentials, type Experience } from './credentials.js'
import { DotStuffing } from './dot-stuffing.js'
import { greet } from './greeting.js'
import { type ListingOptions, type Maildrop, readMaildrop } from './listing.js'
import type { Reply } from './reply.js'
import { signIn } from './sign-in.js'
import { Wire, type BodySink, type LineCap } from './wire.js'

/** How to get to a signed-in connection. */
export interface Pop3Options extends Endpoint {
  readonly tls: 'implicit' | 'starttls' | 'none'
  readonly tlsSettings: TlsSettings
  readonly credentials: Credentials
  readonly experience: Experience
  readonly patience: Patience
  /** False for a server that hangs up on CAPA (QUIRKS CAP-02). */
  readonly capa: boolean
  readonly transcript?: Transcript | undefined
}

/** A body's octets, and whether its server does not stuff dots. */
export interface Received {
  readonly octets: number
  readonly unstuffedDot: boolean
}

/** A signed-in POP3 connection (RFC 1939, TRANSACTION state). After any Fault it must be dropped. */
export class Pop3Client {
  readonly wire: Wire
  /** The server sends messages with 8-bit headers as they are (RFC 6856 §2.1). */
  readonly utf8: boolean
  /** What CAPA lists after sign-in; undefined where the server does not know it. */
  readonly capabilities: Capabilities | undefined
  /** LOGIN-DELAY in ms: this user's, which is told after sign-in, else everybody's (RFC 2449 §6.5); 0: none. */
  readonly loginDelayMs: number
  readonly #mechanism: string

  /** Connects, secures and signs in; what CAPA said before TLS or sign-in is forgotten each time (QUIRKS CAP-03). */
  static async open(options: Pop3Options, signal: AbortSignal): Promise<Pop3Client> {
    const { patience, transcript, credentials, experience } = options
    refuseUnsendable(credentials)
    const { password, token } = credentials
    const scrubber = new Scrubber(...[password, token].filter((secret) => secret !== undefined))
    const connection = await Connection.dial(options, patience.connect, signal)
    try {
      if (options.tls === 'implicit') await connection.secure(options.tlsSettings)
      const wire = new Wire(connection, { patience, transcript, scrub: (text) => scrubber.scrub(text) })
      const greeting = await greet(wire, options.tls === 'implicit')
      const { capabilities, utf8 } = await prepare(wire, options)
      const signInOptions = { credentials, endpoint: options, experience, scrubber }
      const mechanism = await signIn(wire, { greeting, capabilities }, signInOptions)
      const signedIn = capabilities && (await capa(wire, patience.reply))
      const loginDelayMs = signedIn?.loginDelayMs ?? capabilities?.loginDelayMs ?? 0
      return new Pop3Client(wire, { utf8, capabilities: signedIn, loginDelayMs, mechanism })
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  private constructor(wire: Wire, said: Said) {
    this.wire = wire
    this.utf8 = said.utf8
    this.capabilities = said.capabilities
    this.loginDelayMs = said.loginDelayMs
    this.#mechanism = said.mechanism
  }

  get facts(): SignInFacts {
    const { connection, latencyMs } = this.wire
    const capabilities = this.capabilities?.lines ?? []
    return { tls: connection.tls, mechanism: this.#mechanism.toLowerCase(), capabilities, latencyMs }
  }

  async maildrop(options: Omit<ListingOptions, 'knowsUidl'>): Promise<Maildrop> {
    const knowsUidl = this.capabilities?.has('UIDL') ?? false
    return readMaildrop(this.wire, { ...options, knowsUidl })
  }

  /** After a RETR's `+OK`: passes the message on, if it has no more than `most` octets. */
  async body(reply: Reply, sink: BodySink, most: number): Promise<Received> {
    const decoder = new DotStuffing(reply.bareLf)
    const octets = await this.wire.body(decoder, sink, most)
    return { octets, unstuffedDot: decoder.unstuffedDot }
  }

  /** Commits at the server; true where it says so. A missing answer changes nothing any more (QUIRKS SES-11). */
  async quit(): Promise<boolean> {
    const { connection } = this.wire
    connection.phase = 'QUIT'
    connection.limit(Math.min(quitMs, this.wire.patience.reply))
    try {
      return (await this.wire.ask('QUIT')).ok
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return false
    } finally {
      this.drop()
    }
  }

  drop(): void {
    this.wire.connection.destroy()
  }
}

type Said = Pick<Pop3Client, 'utf8' | 'capabilities' | 'loginDelayMs'> & { readonly mechanism: string }

/** Everything between the greeting and the sign-in; resolves with what counts then. */
async function prepare(wire: Wire, { tls, tlsSettings, capa: asks }: Pop3Options): Promise<Prepared> {
  const { connect } = wire.patience
  let capabilities = asks ? await capa(wire, connect) : undefined
  if (tls === 'starttls') {
    await startTls(wire, capabilities, tlsSettings)
    if (asks) capabilities = await capa(wire, connect)
  }
  // Without it Courier wraps messages with 8-bit headers (RFC 6856 §2.1, QUIRKS CAP-08); a refusal does no harm.
  const utf8 = capabilities?.has('UTF8') === true && (await wire.ask('UTF8')).ok
  return { capabilities, utf8 }
}

interface Prepared {
  readonly capabilities: Capabilities | undefined
  readonly utf8: boolean
}

async function capa(wire: Wire, firstByteMs: number): Promise<Capabilities | undefined> {
  wire.connection.phase = 'CAPA'
  const reply = await wire.ask('CAPA', 'CAPA', firstByteMs)
  if (reply.status === 'error') return undefined
  if (!reply.ok) throw wire.outOfStep(reply)
  const capabilities = new Capabilities()
  await wire.lines(capaCap, (bytes, start, end) => {
    capabilities.add(bytes.toString('latin1', start, end))
  })
  return capabilities
}

/** RFC 2595 §4. Without TLS nothing more is sent, whatever the reason (QUIRKS TLS-01, TLS-02). */
async function startTls(wire: Wire, capabilities: Capabilities | undefined, settings: TlsSettings): Promise<void> {
  const { connection, patience } = wire
  connection.phase = 'STLS'
  if (capabilities && !capabilities.has('STLS')) {
    throw connection.fault('starttls-missing', 'the server does not offer STLS')
  }
  const reply = await wire.ask('STLS')
  if (reply.status === 'error') {
    throw connection.fault('starttls-missing', 'the server refuses STLS', { reply: reply.text })
  }
  if (!reply.ok) throw wire.outOfStep(reply)
  if (!wire.quiet) {
    // Mailutils says yes, and then that it cannot start TLS.
    const early = wire.takeReply()
    if (early?.status !== 'error') throw connection.fault('starttls-injected', 'data arrived before the TLS handshake')
    throw connection.fault('starttls-missing', 'the server agrees to STLS and then refuses it', { reply: early.text })
  }
  connection.limit(patience.connect)
  await connection.secure(settings)
  connection.settle()
  wire.remark(connection.security ?? '')
}

const capaCap: LineCap = { lines: 512, octets: 64 * 1024, code: 'protocol' }
const quitMs = 10_000
