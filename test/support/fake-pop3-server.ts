import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { SampleMessage } from '../../src/sample/message.js'
import { listen, type SampleServer } from '../../src/sample/server.js'
import { FakeDialogue, FakeSession, type Hook, type Moment, type Script } from './fake-dialogue.js'
import type { SessionHabits, SessionLog } from './fake-dialogue.js'
import { asMessages, FakeMaildrop, type MaildropHabits } from './fake-maildrop.js'

/** What the server does at an event instead of replying honestly; `any` where the event's own hook returns nothing. */
export type Hooks = Partial<Record<HookName, Hook>>
type HookName =
  | 'greeting' | 'CAPA' | 'STLS' | 'USER' | 'PASS' | 'APOP' | 'AUTH' | 'response' | 'STAT' | 'LIST' | 'UIDL' | 'RETR'
  | 'TOP' | 'DELE' | 'RSET' | 'NOOP' | 'QUIT' | 'UTF8' | 'any' // prettier-ignore

export interface FakeOptions extends SessionHabits, MaildropHabits {
  /** The maildrop of the user `alice` with the password `secret`: messages, or their bytes with ids `u1`, `u2` … */
  readonly messages?: Iterable<string | Uint8Array | SampleMessage>
  /** Further users by name. */
  readonly users?: Readonly<
    Record<string, { readonly password: string; readonly messages: Iterable<string | Uint8Array | SampleMessage> }>
  >
  readonly tls?: 'none' | 'starttls' | 'implicit'
  /** A file name of `fixtures/tls` without its suffix. */
  readonly certificate?: 'good' | 'expired' | 'wrong-name' | 'self-signed' | 'future'
  readonly timestamp?: string
  readonly hooks?: Hooks
}

/**
 * The scriptable POP3 server of the tests: the sample server, honest unless hooks or habits say otherwise.
 *
 *     await using server = await FakePop3Server.start({
 *       messages: ['Subject: one\r\n\r\nbody\r\n'],
 *       hooks: { RETR: ({ count }) => (count === 1 ? cutAfter(20) : undefined) },
 *     })
 *     … connect to server.host, server.port as alice with the password secret …
 *     expect(server.retrs('u1')).toBe(2)
 */
export class FakePop3Server {
  /** PEM file of the authority of all its certificates but the self-signed one. */
  static readonly ca = tlsFile('ca.pem')
  readonly user = 'alice'
  readonly password = 'secret'
  /** One for each connection so far. */
  readonly sessions: SessionLog[] = []
  /** May be changed at any time. */
  hooks: Hooks
  readonly #maildrops: ReadonlyMap<string, FakeMaildrop>
  readonly #options: FakeOptions
  readonly #counts = new Map<string, number>()
  readonly #mostAtOnce = new Map<string, number>()
  readonly #watchers: (() => void)[] = []
  #server: SampleServer | undefined

  static async start(options: FakeOptions = {}): Promise<FakePop3Server> {
    const server = new FakePop3Server(options)
    await server.#listen()
    return server
  }

  private constructor(options: FakeOptions) {
    const { user, password } = this
    const users = Object.entries({ [user]: { password, messages: options.messages ?? [] }, ...options.users })
    this.#maildrops = new Map(
      users.map(([name, { messages }]) => [name, new FakeMaildrop(asMessages(messages), options)]),
    )
    this.#options = options
    this.hooks = options.hooks ?? {}
  }

  get host(): string {
    return this.#server?.host ?? ''
  }

  get port(): number {
    return this.#server?.port ?? 0
  }

  /** The `source` of a plan for one of its users. */
  source(user = this.user): Record<string, unknown> {
    const { tls = 'none' } = this.#options
    const tlsOptions = tls === 'none' ? {} : { tlsOptions: { ca: FakePop3Server.ca } }
    return { host: this.host, port: this.port, tls, ...tlsOptions, user, password: this.#password(user) }
  }

  /** The messages of alice's maildrop; a change counts from the next session on. */
  get messages(): readonly SampleMessage[] {
    return this.maildrop().messages
  }

  set messages(messages: Iterable<string | Uint8Array | SampleMessage>) {
    this.maildrop().messages = asMessages(messages)
  }

  maildrop(user = this.user): FakeMaildrop {
    const maildrop = this.#maildrops.get(user)
    if (!maildrop) throw new Error(`the fake server has no user ${user}`)
    return maildrop
  }

  /** How often a message was asked for. */
  retrs(uidl: string): number {
    return this.sessions.reduce((sum, { retrieved }) => sum + retrieved.filter((one) => one === uidl).length, 0)
  }

  /** Received lines of all sessions, in the order of sessions. */
  get lines(): readonly string[] {
    return this.sessions.flatMap(({ lines }) => lines)
  }

  /** Resolves as soon as the `count`th such event of the whole server has come. */
  async seen(event: HookName, count = 1): Promise<void> {
    while ((this.#counts.get(event) ?? 0) < count) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  /** How many sign-ins succeeded. */
  get signIns(): number {
    return this.sessions.filter(({ signedInAt }) => signedInAt !== undefined).length
  }

  /** The largest number of connections that one user had open at once, counted from the first word about the user. */
  mostAtOnce(user = this.user): number {
    return this.#mostAtOnce.get(user) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close()
  }

  #password(user: string): string | undefined {
    return user === this.user ? this.password : this.#options.users?.[user]?.password
  }

  async #listen(): Promise<void> {
    const { tls = 'none', certificate = 'good', timestamp } = this.#options
    const pem = { cert: readFileSync(tlsFile(`${certificate}.pem`)), key: readFileSync(tlsFile(`${certificate}.key`)) }
    const context = createSecureContext(pem)
    const users = new Map(
      Array.from(this.#maildrops, ([name, maildrop]) => [name, { password: this.#password(name) ?? '', maildrop }]),
    )
    this.#server = await listen(async (socket) => {
      const session = new FakeSession({ users, timestamp, stls: tls === 'starttls' }, this.#options)
      const log: SessionLog = {
        number: this.sessions.length + 1,
        lines: [],
        segments: [],
        user: undefined,
        signedInAt: undefined,
        retrieved: [],
        quit: false,
        closed: false,
      }
      this.sessions.push(log)
      const fake = { log, habits: this.#options, tls: context, hook: this.#hook, count: this.#count }
      try {
        await new FakeDialogue(socket, session, fake).run(tls === 'implicit')
      } finally {
        log.closed = true
      }
    })
  }

  readonly #hook = async (moment: Moment): Promise<Script> => {
    this.#watch()
    const own = Object.entries(this.hooks).find(([name]) => name === moment.event)?.[1]
    return (await own?.(moment)) ?? (await this.hooks.any?.(moment)) ?? undefined
  }

  readonly #count = (event: string): number => {
    const count = (this.#counts.get(event) ?? 0) + 1
    this.#counts.set(event, count)
    for (const wake of this.#watchers.splice(0)) wake()
    return count
  }

  #watch(): void {
    const open = new Map<string, number>()
    for (const { user, closed } of this.sessions) {
      if (user !== undefined && !closed) open.set(user, (open.get(user) ?? 0) + 1)
    }
    for (const [user, count] of open) this.#mostAtOnce.set(user, Math.max(count, this.mostAtOnce(user)))
  }
}

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}
