import { readTlsSettings } from '../net/server-settings.js'
import type { TlsSettings } from '../net/tls.js'
import { Pop3Client, type Pop3Options } from '../pop3/client.js'
import type { Credentials, Experience } from '../pop3/credentials.js'
import { RefusedSignIn } from '../pop3/judgement.js'
import { Fault } from '../ports/fault.js'
import type { SourceContext } from '../ports/kind.js'
import type { Secret } from '../ports/secret.js'
import { sameSecret } from '../sasl/reveal.js'
import { type SecretKey, secretOf } from '../sasl/secret-key.js'

/** The settings that matter until a client is signed in. */
export interface OpeningSettings {
  readonly host: string
  readonly port: number
  readonly tls: 'implicit' | 'starttls' | 'none'
  readonly tlsOptions?: TlsSettings | undefined
  readonly user: string
  readonly authzid?: string | undefined
  readonly auth: Credentials['mechanism']
}

/** Opens signed-in connections to one maildrop, and remembers for the run what its server does not bear. */
export class Pop3Opening {
  readonly #settings: OpeningSettings
  readonly #context: SourceContext
  readonly #experience: Experience = { unfit: new Set(), tokenInLine: false }
  /** False once the server hung up on CAPA (QUIRKS CAP-02). */
  #capa = true

  constructor(settings: OpeningSettings, context: SourceContext) {
    this.#settings = settings
    this.#context = context
  }

  /** A refused sign-in is tried once more if there is doubt about it (QUIRKS AUT-01); secrets are asked for each time. */
  async open(signal: AbortSignal): Promise<Pop3Client> {
    let doubted = false
    let options = await this.#options(signal)
    for (;;) {
      try {
        return await this.#connect(options, signal)
      } catch (error) {
        if (!(error instanceof RefusedSignIn)) throw error
        if (error.remedy !== 'reconnect') {
          if (doubted) throw error
          doubted = true
        }
        if (error.remedy === 'later') await this.#pause(error, signal)
        const { token } = options.credentials
        options = await this.#options(signal)
        if (error.remedy === 'other-token' && same(token, options.credentials.token)) throw error
      }
    }
  }

  /** A server that hangs up or falls silent on CAPA gets a second connection without it; TLS stays as it was. */
  async #connect(options: Omit<Pop3Options, 'capa'>, signal: AbortSignal): Promise<Pop3Client> {
    try {
      return await Pop3Client.open({ ...options, capa: this.#capa }, signal)
    } catch (error) {
      if (!this.#capa || !(error instanceof Fault) || error.facts.phase !== 'CAPA') throw error
      if (error.code !== 'connection-lost' && error.code !== 'timeout') throw error
      this.#capa = false
      return Pop3Client.open({ ...options, capa: false }, signal)
    }
  }

  async #options(signal: AbortSignal): Promise<Omit<Pop3Options, 'capa'>> {
    const { host, port, tls } = this.#settings
    const { timeouts, transcript, emit, account } = this.#context
    return {
      host,
      port,
      tls,
      tlsSettings: await readTlsSettings(this.#settings.tlsOptions),
      credentials: await this.#credentials(signal),
      experience: this.#experience,
      patience: timeouts,
      ...(transcript && {
        transcript: (direction, line) => {
          emit({ type: 'protocol', account, direction, line })
        },
      }),
    }
  }

  /** Only what the way to sign in may need is asked for. */
  async #credentials(signal: AbortSignal): Promise<Credentials> {
    const { user, authzid, auth: mechanism } = this.#settings
    const needs = secretOf(mechanism)
    const secret = async (key: SecretKey): Promise<Secret | undefined> =>
      needs === undefined || needs === key ? this.#context.secrets.get(key)?.(signal) : undefined
    return { user, authzid, mechanism, password: await secret('password'), token: await secret('oauth2.accessToken') }
  }

  async #pause(fault: Fault, signal: AbortSignal): Promise<void> {
    const { emit, account, clock } = this.#context
    emit({ type: 'retry', account, attempt: 1, delayMs: doubtMs, fault })
    await clock.sleep(doubtMs, signal)
  }
}

function same(one: Secret | undefined, other: Secret | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && sameSecret(one, other))
}

/** Enough for a server that was short of breath, too little for a person to notice. */
const doubtMs = 2_000
