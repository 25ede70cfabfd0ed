import { Trickle, trickleFault } from '../net/inflow.js'
import { asFault, type Fault } from '../ports/fault.js'
import { type Capabilities, capabilitiesIn } from './capability.js'
import { passingFault } from './refusal.js'
import type { Response } from './response.js'
import type { LiteralSink, Wire } from './wire.js'

/** Part of a command: sent as it is, or as a string of IMAP, quoted where that is possible, else as a literal. */
export type Part = string | { readonly text: string }

export interface Ask {
  /**
   * Gets the untagged responses that arrive while the command is the oldest one unanswered that wants any: Dovecot answers
   * a FETCH before an earlier APPEND (measured).
   */
  readonly untagged?: (response: Response) => void
  /** For literals in those. */
  readonly sink?: () => LiteralSink
}

/**
 * Commands and their answers on one connection (RFC 3501 §5.5). Several may be under way: a server answers in order, or
 * says by the tag which one it means. After any Fault the connection must be dropped.
 */
export class Dialogue {
  readonly wire: Wire
  /** How large a literal may be that the server does not invite (RFC 7888); Infinity for any. */
  freeLiteral = 0
  /** What the server has listed last, asked or of its own accord (RFC 3501 §7.1); whoever needs the latest clears it first. */
  capabilities: Capabilities | undefined
  /** How many untagged responses may come before a command is answered: more than any mailbox has messages (QUIRKS APP-22). */
  mostUntagged = 2_000_000
  #untagged = 0
  readonly #trickle = new Trickle(3)
  readonly #pending = new Map<string, Pending>()
  #count = 0
  #pumping = false
  #fault: Fault | undefined
  #bye: Response | undefined
  /** The command that waits for `+`, and its tag. */
  #guest: { readonly tag: string; readonly waiter: Waiter<string> } | undefined
  /** Commands are sent one after another, each whole. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(wire: Wire) {
    this.wire = wire
  }

  /** How many commands are unanswered. */
  get pending(): number {
    return this.#pending.size
  }

  /** Sends a command and resolves with its tagged answer, whatever that says. `shown` masks its secrets. */
  async run(parts: readonly Part[], ask: Ask & { readonly shown?: string } = {}): Promise<Response> {
    const shown = ask.shown ?? parts.map((part) => (typeof part === 'string' ? part : part.text)).join('')
    const { answered } = await this.begin(ask, async (command) => {
      await command.line(parts, shown)
    })
    return answered
  }

  /**
   * Begins a command: `send` writes it, alone on the line. Resolves when all of it is on its way; the answer comes later.
   * A literal that the server refuses to be sent ends the command as well.
   */
  async begin(ask: Ask, send: (command: Command) => Promise<void>): Promise<{ readonly answered: Promise<Response> }> {
    const before = this.#turn
    const turn = waiter<undefined>()
    this.#turn = turn.promise
    await before
    try {
      if (this.#fault) throw this.#fault
      const tag = `A${++this.#count}`
      const answer = waiter<Response>()
      // Whoever began it may look at the answer only later.
      answer.promise.catch(ignore)
      this.#pending.set(tag, { ...answer, ask })
      if (!this.#pumping) void this.#pump()
      await send(new Command(this, tag)).catch((error: unknown) => {
        if (error !== notInvited) throw error
      })
      return { answered: answer.promise }
    } catch (error) {
      throw this.#fail(error)
    } finally {
      turn.resolve(undefined)
    }
  }

  /** Resolves with the words of the server's `+`; rejects where it answers the command instead. */
  async invitation(tag: string): Promise<string> {
    if (this.#fault) throw this.#fault
    if (!this.#pending.has(tag)) throw notInvited
    this.#guest = { tag, waiter: waiter() }
    return this.#guest.waiter.promise
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    try {
      this.#untagged = 0
      this.#trickle.reset()
      while (this.#pending.size > 0) this.#take(await this.#next())
    } catch (error) {
      this.#fail(error)
    }
    this.#pumping = false
  }

  /**
   * A server that keeps a client waiting says so now and then, and Dovecot's `* OK Still here` must not end a long command.
   * One that says next to nothing else for three times the longest wait will not answer any more, or not before we give up.
   */
  async #next(): Promise<Response> {
    const { wire } = this
    const { received } = wire
    const since = performance.now()
    const response = await wire.response(wire.patience.reply, () => this.#listener?.sink?.())
    const now = performance.now()
    if (response.tag !== '*' || wire.connection.movedAt > since) {
      this.#untagged = 0
      this.#trickle.reset()
    } else if (++this.#untagged > this.mostUntagged) {
      throw this.#odd(`more than ${this.mostUntagged} responses to one command`, response)
    } else if (!this.#trickle.flows(wire.received - received, now - since, wire.patience.reply)) {
      throw trickleFault(wire.connection)
    }
    return response
  }

  #take(response: Response): void {
    const { tag } = response
    if (response.name === 'BYE') this.#bye = response
    const pending = this.#pending.get(tag)
    if (tag === '+') {
      if (!this.#guest) throw this.#odd('the server invites what nobody wants to send', response)
      this.#guest.waiter.resolve(response.rest)
      this.#guest = undefined
    } else if (pending) {
      this.#pending.delete(tag)
      if (this.#guest?.tag === tag) this.#dismiss(notInvited)
      this.#learn(response)
      pending.resolve(response)
    } else if (tag === '*') {
      this.#pass(response)
    } else {
      throw this.#odd('an answer to no command of ours', response)
    }
  }

  #pass(response: Response): void {
    try {
      this.#learn(response)
      this.#listener?.untagged?.(response)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw this.#odd(`an answer that cannot be read: ${error.message}`, response)
    }
  }

  /** The oldest command that wants untagged data. */
  get #listener(): Ask | undefined {
    for (const { ask } of this.#pending.values()) if (ask.untagged) return ask
    return undefined
  }

  #learn(response: Response): void {
    this.capabilities = capabilitiesIn(response) ?? this.capabilities
  }

  #odd(words: string, { text: reply }: Response): Fault {
    return this.wire.connection.fault('protocol', words, { reply })
  }

  #dismiss(reason: unknown): void {
    this.#guest?.waiter.reject(reason)
    this.#guest = undefined
  }

  /** Nothing more will be answered. */
  #fail(error: unknown): Fault {
    this.#fault ??= this.#explained(asFault(error))
    for (const pending of this.#pending.values()) pending.reject(this.#fault)
    this.#pending.clear()
    this.#dismiss(this.#fault)
    return this.#fault
  }

  /** A server that says good-bye says why (RFC 3501 §7.1.5). */
  #explained(fault: Fault): Fault {
    if (fault.code !== 'connection-lost' || !this.#bye) return fault
    const { connection } = this.wire
    const facts = { reply: this.#bye.text, cause: fault }
    return passingFault(this.#bye, connection) ?? connection.fault('connection-lost', 'the server said good-bye', facts)
  }
}

/** One command on its way. */
export class Command {
  readonly #dialogue: Dialogue
  readonly #tag: string

  constructor(dialogue: Dialogue, tag: string) {
    this.#dialogue = dialogue
    this.#tag = tag
  }

  /** A whole command line. */
  async line(parts: readonly Part[], shown: string): Promise<void> {
    await this.start(parts, shown)
    this.#dialogue.wire.connection.write('\r\n')
  }

  /** Tag and parts, without the line end. */
  async start(parts: readonly Part[], shown: string): Promise<void> {
    const { wire } = this.#dialogue
    wire.sent(`${this.#tag} ${shown}`)
    let text = `${this.#tag} `
    for (const part of parts) {
      if (typeof part === 'string') text += part
      else if (isQuotable(part.text)) text += `"${part.text.replaceAll(/["\\]/g, '\\$&')}"`
      else {
        const bytes = Buffer.from(part.text)
        await this.literal(text, bytes.length)
        wire.connection.write(bytes)
        text = ''
      }
    }
    wire.connection.write(text)
  }

  /** Sends `before` and announces a literal; resolves when its bytes may follow (RFC 3501 §4.3, QUIRKS APP-08). */
  async literal(before: string, octets: number, binary = ''): Promise<void> {
    const { wire, freeLiteral } = this.#dialogue
    if (octets <= freeLiteral) {
      wire.connection.write(`${before}${binary}{${octets}+}\r\n`)
      return
    }
    wire.connection.write(`${before}${binary}{${octets}}\r\n`)
    await this.invitation()
  }

  /** A further line of the command that the server has asked for. */
  answer(line: string, shown: string): void {
    this.#dialogue.wire.send(`${line}\r\n`, shown)
  }

  async invitation(): Promise<string> {
    return this.#dialogue.invitation(this.#tag)
  }
}

interface Waiter<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

interface Pending extends Waiter<Response> {
  readonly ask: Ask
}

function waiter<T>(): Waiter<T> {
  let settle: Omit<Waiter<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  if (!settle) throw new Error('unreachable')
  return { promise, ...settle }
}

/** Atoms are quoted as well: nothing is lost by it. 8-bit text and controls go as a literal (QUIRKS APP-21). */
function isQuotable(text: string): boolean {
  return /^[\x20-\x7e]{0,1000}$/.test(text)
}

function ignore(): void {
  // Told by whoever awaits the answer.
}

/** The server answered the command instead of inviting its literal (QUIRKS APP-08). */
const notInvited = new Error('the literal was refused')
