import { z } from 'zod'
import { exposures, plaintextProblem, serverAddress, serverFields, serverSettings } from '../net/server-settings.js'
import { signInMechanisms } from '../pop3/credentials.js'
import { Fault } from '../ports/fault.js'
import { defineKind, type SourceContext, type SourceKind } from '../ports/kind.js'
import type { Session, Source, SourceRules } from '../ports/source.js'
import { duration } from '../ports/units.js'
import type { WarningCode } from '../ports/warning.js'
import { findProvider } from '../providers/find.js'
import { presetNames, presetSettings, unknownPreset } from '../providers/names.js'
import { authProblem } from '../sasl/secret-key.js'
import { advised, type Whose } from './pop3-advice.js'
import { Pop3Opening } from './pop3-opening.js'
import { Pop3Session } from './pop3-session.js'

const settings = z
  .strictObject({
    provider: z
      .enum(presetNames('pop3'), { error: ({ input }) => unknownPreset(input, 'pop3') })
      .optional()
      .describe('A preset; keys given in the plan win'),
    ...serverSettings,
    auth: z.enum(signInMechanisms).default('auto').describe('auto: the strongest mechanism that the server offers'),
    pipelining: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe('Commands ahead of their replies; auto: where the server offers it'),
    sizes: z
      .enum(['auto', 'ignore'])
      .default('auto')
      .describe('auto: a message shorter than listed is fetched twice; ignore: the listed sizes mean nothing'),
    sessions: z
      .enum(['auto', 'single'])
      .default('auto')
      .describe('auto: sign in again while new messages keep appearing (Gmail shows batches)'),
    signInEvery: duration(0).optional().describe('At least this long between sign-ins, kept across runs'),
    expectAtLeast: z.int().min(1).optional().describe('Fewer distinct messages listed: exit 3'),
    identity: z
      .enum(['uidl', 'content'])
      .default('uidl')
      .describe('content: for a server without UIDL; each run fetches everything'),
    onUidlReset: z
      .enum(['reidentify', 'stop'])
      .default('reidentify')
      .describe('When a known maildrop comes back with new ids: recognise its messages, or stop the account'),
  })
  .check(({ value, issues }) => {
    const exposed = plaintextProblem(value)
    if (exposed !== undefined) issues.push({ code: 'custom', path: ['tls'], input: value.tls, message: exposed })
    const message = authProblem(value)
    if (message !== undefined) issues.push({ code: 'custom', path: ['auth'], input: value.auth, message })
  })

type Settings = z.output<typeof settings>

/** A POP3 maildrop. */
export const pop3: SourceKind = defineKind({
  type: 'pop3',
  settings,
  fields: serverFields,
  presets: {
    key: 'provider',
    settings: presetSettings('pop3'),
  },
  create(chosen: Settings, context: SourceContext): Source {
    // Once more: templates are filled in by now (QUIRKS TLS-12).
    const exposed = plaintextProblem(chosen)
    if (exposed !== undefined) throw new Fault('plan-conflict', exposed)
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
  /** False once the server refused a NOOP. */
  #noop = true

  constructor(chosen: Settings, context: SourceContext) {
    const { host, port, server } = serverAddress(chosen, { implicit: 995, plain: 110 })
    this.host = host
    this.server = server
    this.#settings = chosen
    this.#context = context
    const provider = findProvider(chosen.provider, this.host, chosen.user)
    this.#whose = { host: this.host, user: chosen.user, provider }
    const { identity, onUidlReset, sizes, sessions, signInEvery = 0, expectAtLeast } = chosen
    this.rules = {
      identity,
      onUidlReset,
      sizes,
      windowed: provider?.windowed ?? false,
      sessions,
      signInEveryMs: signInEvery,
      ...(expectAtLeast !== undefined && { expectAtLeast }),
    }
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
      expires: capabilities?.expiresAtOnce === true,
      trustsSizes: sizes === 'auto',
      loginDelayMs: client.loginDelayMs,
      ids: this.rules.identity === 'uidl',
      replyMs: this.#context.timeouts.reply,
      idleMs: noopAfterMs,
      noop: this.#noop,
      refusesNoop: () => {
        this.#noop = false
      },
      distrust: () => {
        this.#pipelining = false
      },
      advised: this.#advised,
    }
    return new Pop3Session(client, mode)
  }

  readonly #advised = (error: unknown): unknown => advised(error, this.#whose)

  #warnOfSettings(): void {
    for (const [code, message] of exposures({ ...this.#settings, host: this.host })) this.#warn(code, message)
  }

  /** Once a run. */
  #warn(code: WarningCode, message: string): void {
    if (this.#warned.has(code)) return
    this.#warned.add(code)
    this.#context.emit({ type: 'warning', account: this.#context.account, code, message })
  }
}

/** Servers are known to hang up after 60 s of silence (QUIRKS RET-28). */
const noopAfterMs = 30_000
