import { z } from 'zod'
import { isLoopback } from '../net/loopback.js'
import { needsOldCrypto } from '../net/tls.js'
import { signInMechanisms } from '../pop3/credentials.js'
import { Fault } from '../ports/fault.js'
import { defineKind, type SourceContext, type SourceKind } from '../ports/kind.js'
import type { Session, Source, SourceRules } from '../ports/source.js'
import { providers } from '../providers/all.js'
import { findProvider } from '../providers/find.js'
import { advised, type Whose } from './pop3-advice.js'
import { Pop3Opening, secretOf } from './pop3-opening.js'
import { Pop3Session } from './pop3-session.js'

const tlsOptions = z.strictObject({
  ca: z.string().min(1).optional(),
  fingerprint256: z
    .string()
    .regex(/^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'expected a SHA-256 fingerprint: 64 hexadecimal digits')
    .optional(),
  servername: z.string().min(1).optional(),
  minVersion: z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  ciphers: z.string().min(1).optional(),
  verify: z.boolean().default(true),
})

const oneLine = z
  .string()
  .min(1)
  .regex(/^[^\r\n\0]*$/, 'expected text without line ends')

const settings = z
  .strictObject({
    provider: z
      .enum(providers.map(({ id }) => id))
      .optional()
      .describe('A preset; keys given in the plan win'),
    host: z
      .string({ error: ({ input }) => (input === undefined ? hostMissing : undefined) })
      .regex(/^[^\s/@]+$/, 'expected a host name or address'),
    port: z.int().min(1).max(65_535).optional(),
    tls: z.enum(['implicit', 'starttls', 'none']).default('implicit'),
    tlsOptions: tlsOptions.optional(),
    allowPlaintext: z.boolean().default(false),
    user: oneLine,
    authzid: oneLine.optional(),
    auth: z.enum(signInMechanisms).default('auto'),
    pipelining: z.enum(['auto', 'on', 'off']).default('auto'),
    sizes: z
      .enum(['auto', 'ignore'])
      .default('auto')
      .describe('auto: a message shorter than listed is fetched twice; ignore: the listed sizes mean nothing'),
    identity: z.enum(['uidl', 'content']).default('uidl'),
    onUidlReset: z.enum(['reidentify', 'stop']).default('reidentify'),
  })
  .check(({ value, issues }) => {
    if (exposes(value)) issues.push({ code: 'custom', path: ['tls'], input: value.tls, message: plaintextRefused })
    const message = authProblem(value)
    if (message !== undefined) issues.push({ code: 'custom', path: ['auth'], input: value.auth, message })
  })

type Settings = z.output<typeof settings>

/** A POP3 maildrop. */
export const pop3: SourceKind = defineKind({
  type: 'pop3',
  settings,
  fields: [
    { key: 'host', form: 'template' },
    { key: 'user', form: 'template' },
    { key: 'tlsOptions.ca', form: 'file' },
    { key: 'password', form: 'secret' },
    { key: 'oauth2.accessToken', form: 'secret' },
  ],
  presets: {
    key: 'provider',
    settings: new Map(providers.map(({ id, pop3 }) => [id, pop3])),
  },
  create(chosen: Settings, context: SourceContext): Source {
    // Once more: templates are filled in by now (QUIRKS TLS-12).
    if (exposes(chosen)) throw new Fault('plan-conflict', plaintextRefused)
    return new Pop3Source(chosen, context)
  },
})

class Pop3Source implements Source {
  readonly host: string
  readonly server: string
  readonly rules: SourceRules
  readonly #whose: Whose
  readonly #opening: Pop3Opening
  readonly #settings: Settings
  readonly #context: SourceContext
  readonly #warned = new Set<string>()
  /** False once a pipelined session went wrong (QUIRKS RET-21). */
  #pipelining = true

  constructor(chosen: Settings, context: SourceContext) {
    // An IPv6 address may be written as in a URL.
    this.host = chosen.host.replace(/^\[(.*)\]$/, '$1')
    const usual = chosen.tls === 'implicit' ? 995 : 110
    const port = chosen.port ?? usual
    const name = this.host.includes(':') ? `[${this.host}]` : this.host
    this.server = port === usual ? this.host : `${name}:${port}`
    this.#settings = chosen
    this.#context = context
    const provider = findProvider(chosen.provider, this.host, chosen.user)
    this.#whose = { host: this.host, user: chosen.user, provider }
    const { identity, onUidlReset } = chosen
    this.rules = { identity, onUidlReset, windowed: provider?.windowed ?? false }
    this.#opening = new Pop3Opening({ ...chosen, host: this.host, port }, context)
  }

  async connect(signal: AbortSignal): Promise<Session> {
    try {
      return await this.#connect(signal)
    } catch (error) {
      throw this.#advised(error)
    }
  }

  async #connect(signal: AbortSignal): Promise<Session> {
    this.#warnOfSettings()
    const client = await this.#opening.open(signal)
    const { capabilities } = client
    if (capabilities?.expiresAtOnce) {
      const { afterFetch } = this.#whose.provider ?? {}
      const more = afterFetch === undefined ? '' : `: ${afterFetch}`
      this.#warn('expires-at-once', `the server may remove messages as soon as they were fetched (EXPIRE 0)${more}`)
    }
    const { pipelining, sizes } = this.#settings
    const wanted = pipelining === 'on' || (pipelining === 'auto' && capabilities?.has('PIPELINING') === true)
    const mode = {
      pipelined: wanted && this.#pipelining,
      trustsSizes: sizes === 'auto',
      ids: this.rules.identity === 'uidl',
      replyMs: this.#context.timeouts.reply,
      distrust: () => {
        this.#pipelining = false
      },
      advised: this.#advised,
    }
    return new Pop3Session(client, mode)
  }

  readonly #advised = (error: unknown): unknown => advised(error, this.#whose)

  #warnOfSettings(): void {
    const { tls, tlsOptions } = this.#settings
    if (tls === 'none' && !isLoopback(this.host)) {
      this.#warn('plaintext', 'password and mail travel unencrypted (tls: none)')
    }
    if (tls === 'none') return
    if (tlsOptions?.verify === false && tlsOptions.fingerprint256 === undefined) {
      this.#warn('certificate-unchecked', 'any certificate is accepted (tlsOptions.verify: false)')
    }
    if (tlsOptions && needsOldCrypto(tlsOptions)) {
      this.#warn('old-tls', 'TLS versions before 1.2 and weak keys are accepted (tlsOptions.minVersion)')
    }
  }

  /** Once a run. */
  #warn(code: string, message: string): void {
    if (this.#warned.has(code)) return
    this.#warned.add(code)
    this.#context.emit({ type: 'warning', account: this.#context.account, code, message })
  }
}

/** A password in clear over a network needs a second, explicit word (QUIRKS TLS-12). */
function exposes({ tls, host, allowPlaintext }: Pick<Settings, 'tls' | 'host' | 'allowPlaintext'>): boolean {
  return tls === 'none' && !allowPlaintext && !isLoopback(host)
}

/** What speaks against `auth`; the plan's secrets stand beside the settings by now, and that there is one is its matter. */
function authProblem(value: z.input<typeof settings>): string | undefined {
  const { auth = 'auto', authzid } = value
  if (authzid !== undefined && auth !== 'auto' && auth !== 'plain') {
    return 'expected auto or plain: only PLAIN carries `authzid`'
  }
  const needed = secretOf(auth) === 'password' ? 'password' : 'oauth2'
  const other = needed === 'password' ? 'oauth2' : 'password'
  if (auth === 'auto' || needed in value || !(other in value)) return undefined
  return `expected a way to sign in with \`${other}\`: ${auth} needs \`${needed}\``
}

const hostMissing = 'expected the name of a host, or `provider` instead of it'
const plaintextRefused =
  '`tls: none` sends the password unencrypted over the network: also needs `allowPlaintext: true`'
