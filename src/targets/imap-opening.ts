import { ImapClient } from '../imap/client.js'
import { exposures, readTlsSettings } from '../net/server-settings.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { Secret } from '../ports/secret.js'
import type { WarningCode } from '../ports/warning.js'
import { findProvider } from '../providers/find.js'
import { userAdvice } from '../providers/user-advice.js'
import { type SecretKey, secretOf } from '../sasl/secret-key.js'
import type { ImapTargetSettings } from './imap-settings.js'

/** Opens signed-in connections to one IMAP account. */
export class ImapOpening {
  readonly #settings: ImapTargetSettings & { readonly port: number }
  readonly #context: TargetContext
  readonly #warn: (code: WarningCode, message: string) => void

  constructor(
    settings: ImapTargetSettings & { readonly port: number },
    context: TargetContext,
    warn: (code: WarningCode, message: string) => void,
  ) {
    this.#settings = settings
    this.#context = context
    this.#warn = warn
  }

  /** Secrets are asked for each time: a token may have expired since. */
  async open(signal: AbortSignal): Promise<ImapClient> {
    const { host, port, tls, tlsOptions, user, authzid, auth: mechanism } = this.#settings
    const { timeouts: patience, transcript, emit, account } = this.#context
    for (const [code, message] of exposures(this.#settings)) this.#warn(code, message)
    const tlsSettings = await readTlsSettings(tlsOptions)
    const password = await this.#secret('password', signal)
    const token = await this.#secret('oauth2.accessToken', signal)
    const credentials = { user, authzid, mechanism, password, token }
    const tell = (direction: '>' | '<' | '*', line: string): void => {
      emit({ type: 'protocol', account, direction, line })
    }
    const options = { host, port, tls, tlsSettings, credentials, patience, ...(transcript && { transcript: tell }) }
    try {
      return await ImapClient.open(options, signal)
    } catch (error) {
      throw this.#advised(error)
    }
  }

  /** Only what the way to sign in may need is asked for. */
  async #secret(key: SecretKey, signal: AbortSignal): Promise<Secret | undefined> {
    const needs = secretOf(this.#settings.auth)
    return needs === undefined || needs === key ? this.#context.secrets.get(key)?.(signal) : undefined
  }

  /** The table of faults, and what is said of a connection's first steps, speak of POP3. */
  #advised(error: unknown): unknown {
    if (!(error instanceof Fault)) return error
    const hint = this.#advice(error)
    return hint === undefined ? error : new Fault(error.code, error.message, { ...error.facts, hint })
  }

  #advice({ code, facts: { phase, hint } }: Fault): string | undefined {
    const { provider: id, host, user } = this.#settings
    if (code === 'wrong-protocol') return wrongPort
    if (code === 'timeout' && phase === 'greeting') return noGreeting
    if (code !== 'auth-failed' && code !== 'auth-unavailable') return undefined
    // What is wrong with this very name comes before what is known of the provider.
    if (hint !== undefined) return undefined
    const provider = findProvider(id, host, user, 'imap')
    if (!provider) return code === 'auth-failed' ? checkPassword : undefined
    const advice = [userAdvice(provider, user), provider.accepts].filter((clause) => clause !== undefined)
    return advice.length > 0 ? advice.join('; ') : checkPassword
  }
}

const wrongPort = 'check `port` and `tls` of the target: IMAP is usually on 993 with `implicit`, on 143 with `starttls`'
const noGreeting =
  'this may be no IMAP port: check `port` and `tls` of the target; or the server is overloaded: run again later'
const checkPassword = 'check user and password of the target; some providers want an app password for IMAP'
