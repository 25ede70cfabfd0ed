import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { Dialogue } from '../../src/sample/dialogue.js'
import type { Chunks } from '../../src/sample/message.js'
import { error, parseCommand, Session, type Reply, type SessionOptions } from '../../src/sample/session.js'
import { pieces, type Action, type Exchange } from './fake-actions.js'

/** A moment at which the honest server would reply. */
export interface Moment {
  /** `greeting`, a command's verb in upper case, or `response` for the second line of an AUTH. */
  readonly event: string
  readonly argument: string
  /** How many times this event has come so far, this one included: on the whole server, and in this session. */
  readonly count: number
  readonly countInSession: number
  /** The session's number, from 1. */
  readonly session: number
  /** Of the message that RETR, TOP or DELE name. */
  readonly uidl: string | undefined
}

export type Script = Action | readonly Action[] | undefined

/** Decides what comes instead of the honest reply; undefined: the honest reply. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a hook that only looks returns nothing
export type Hook = (moment: Moment) => Script | void | Promise<Script | void>

export interface SessionHabits {
  /** All output leaves in writes of so many bytes. */
  readonly segmentBytes?: number
  /** The connection is closed behind every so many RETRs. */
  readonly cutEvery?: number
  readonly noUidl?: boolean
  readonly noCapa?: boolean
  /** False: input that arrives before the reply is out is lost, although PIPELINING is advertised (QUIRKS RET-21). */
  readonly pipelining?: boolean
  /** More lines of CAPA, such as `EXPIRE 0`. */
  readonly capabilities?: readonly string[]
  /** Signs in with XOAUTH2 in two steps and this token only; hangs up on a response in the command (QUIRKS AUT-08). */
  readonly token?: string
}

/** What one connection was like. */
export interface SessionLog {
  readonly number: number
  /** Received commands without their line ends, Latin-1. */
  readonly lines: string[]
  /** Received bytes as they came (decrypted): the client's writes. */
  readonly segments: Buffer[]
  /** Who tried to sign in. */
  user: string | undefined
  /** `performance.now()` of the sign-in; undefined: nobody signed in. */
  signedInAt: number | undefined
  /** Unique ids in the order of their RETRs. */
  readonly retrieved: string[]
  /** A QUIT came. */
  quit: boolean
  closed: boolean
}

export interface FakeContext {
  readonly log: SessionLog
  readonly habits: SessionHabits
  hook(moment: Moment): Promise<Script>
  /** Counts an event of the whole server. */
  count(event: string): number
}

/** The honest dialogue with hooks, habits and a log. */
export class FakeDialogue extends Dialogue {
  readonly #context: FakeContext
  readonly #plain: Socket
  readonly #counts = new Map<string, number>()
  #event = ''
  /** The client has closed its side. */
  #left = false

  constructor(socket: Socket, session: Session, context: FakeContext & { readonly tls: SecureContext }) {
    super(socket, session, context.tls)
    this.#context = context
    this.#plain = socket
  }

  protected override attach(socket: Socket): void {
    super.attach(socket)
    socket.on('data', (chunk: Buffer) => {
      this.#context.log.segments.push(chunk)
    })
    socket.on('end', () => {
      this.#left = true
    })
  }

  protected override async greet(): Promise<void> {
    await this.#reply('greeting', '', () => this.session.greeting)
  }

  protected override async respond(line: string): Promise<void> {
    const { log, habits } = this.#context
    if (habits.pipelining === false) this.discardInput()
    log.lines.push(line)
    const inAuth = this.#event === 'AUTH' && /^AUTH +\S+$/i.test(log.lines.at(-2) ?? '')
    const { verb, argument } = inAuth ? { verb: 'response', argument: line } : parseCommand(line)
    this.#event = verb
    this.#note(verb, argument)
    await this.#reply(verb, argument, () => {
      const reply = this.session.answer(line)
      if (this.session.user !== undefined) log.signedInAt ??= performance.now()
      return reply
    })
    const cut = verb === 'RETR' && habits.cutEvery !== undefined && log.retrieved.length >= habits.cutEvery
    if (!cut) return
    await this.flush()
    this.socket.destroySoon()
  }

  protected override async send(bytes: Buffer): Promise<void> {
    const { segmentBytes, pipelining } = this.#context.habits
    for (const piece of segmentBytes === undefined ? [bytes] : pieces(bytes, segmentBytes)) {
      if (pipelining === false) this.discardInput()
      await super.send(Buffer.from(piece))
      if (segmentBytes !== undefined) await nextTurn()
    }
  }

  async #reply(event: string, argument: string, act: () => Reply): Promise<void> {
    const uidl = /^(?:RETR|TOP|DELE)$/.test(event)
      ? this.session.message(argument.split(' ')[0] ?? '')?.uidl
      : undefined
    const countInSession = (this.#counts.get(event) ?? 0) + 1
    this.#counts.set(event, countInSession)
    const { log } = this.#context
    const moment = { event, argument, count: this.#context.count(event), countInSession, session: log.number, uidl }
    if (event === 'RETR' && uidl !== undefined) log.retrieved.push(uidl)
    const script = await this.#context.hook(moment)
    if (script === undefined) {
      await this.reply(act())
      return
    }
    // What is gathered belongs to earlier replies.
    await this.flush()
    let acted: Reply | undefined
    const exchange = this.#exchange(() => (acted ??= act()))
    for (const action of [script].flat()) await action(exchange)
    if (acted && this.socket.writable) await this.reply({ ...acted, bytes: [] })
  }

  #exchange(act: () => Reply): Exchange {
    let rest: AsyncIterator<Uint8Array, unknown> | undefined
    let held: Uint8Array = new Uint8Array()
    return {
      act,
      honest: async function* (octets = Infinity) {
        rest ??= all(act().bytes)
        for (let left = octets; left > 0;) {
          if (held.length === 0) {
            const next = await rest.next()
            if (next.done) return
            held = next.value
          }
          const piece = held.subarray(0, left)
          held = held.subarray(piece.length)
          left -= piece.length
          yield piece
        }
      },
      send: (bytes) => this.send(Buffer.from(bytes)),
      turn: nextTurn,
      closed: () => this.until(() => this.#left),
      close: () => {
        this.socket.destroySoon()
      },
      reset: () => {
        this.#plain.resetAndDestroy()
        this.socket.destroy()
      },
    }
  }

  #note(verb: string, argument: string): void {
    const { log } = this.#context
    if (verb === 'QUIT') log.quit = true
    if (verb === 'USER') log.user = argument
    if (verb === 'APOP') log.user = argument.slice(0, argument.lastIndexOf(' '))
    const response = verb === 'AUTH' ? argument.split(' ')[1] : verb === 'response' ? argument : undefined
    if (response !== undefined) log.user = Buffer.from(response, 'base64').toString().split('\0')[1]
  }
}

/** The honest session without some of its commands, or with another way to sign in. */
export class FakeSession extends Session {
  readonly #habits: SessionHabits
  readonly #options: SessionOptions
  #awaitsToken = false

  constructor(options: SessionOptions, habits: SessionHabits) {
    super(options)
    this.#options = options
    this.#habits = habits
  }

  override answer(line: string): Reply {
    const { noUidl, noCapa, token } = this.#habits
    if (this.#awaitsToken) {
      this.#awaitsToken = false
      return this.#bearer(line)
    }
    const { verb, argument } = parseCommand(line)
    if ((verb === 'UIDL' && noUidl) || (verb === 'CAPA' && noCapa)) return error('unknown command')
    if (token === undefined || (verb !== 'USER' && verb !== 'AUTH')) return super.answer(line)
    if (argument.startsWith('XOAUTH2 ')) return { ...error('Protocol error. Connection is closed. 10'), then: 'close' }
    if (argument !== 'XOAUTH2') return error('Authentication failure: unknown user name or bad password.')
    this.#awaitsToken = true
    return { bytes: [Buffer.from('+ \r\n')] }
  }

  protected override capabilities(): readonly string[] {
    const { noUidl, capabilities = [] } = this.#habits
    return [...super.capabilities().filter((line) => line !== 'UIDL' || !noUidl), ...capabilities]
  }

  #bearer(response: string): Reply {
    const [, user = '', token] = /^user=(.*)\x01auth=Bearer (.*)\x01\x01$/.exec(atob(response)) ?? []
    const password = token === this.#habits.token ? this.#options.users.get(user)?.password : ''
    return super.answer(`AUTH PLAIN ${btoa(`\0${user}\0${password}`)}`)
  }
}

async function* all(chunks: Chunks): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
