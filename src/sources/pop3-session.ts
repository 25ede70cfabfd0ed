import { Fault } from '../ports/fault.js'
import { type Entry, type Flag, type Message, type MessageKey, uidlOf } from '../ports/message.js'
import type { Deletion, Incoming, Intake, Listing, Retrieved, Session, Wanted } from '../ports/source.js'
import type { Pop3Client } from '../pop3/client.js'
import { isThrottle, pauseIn } from '../pop3/refusal.js'
import type { Reply } from '../pop3/reply.js'
import { markDeleted } from './pop3-deletion.js'
import { type HeaderRequest, readHeaders } from './pop3-headers.js'
import { isWrapper } from './pop3-wrapper.js'
import { Idle, type IdleMode } from './pop3-idle.js'
import { identify, repeats } from './pop3-keys.js'

export interface SessionMode extends IdleMode {
  readonly pipelined: boolean
  readonly expires: boolean
  /** False where the sizes that the server lists mean nothing. */
  readonly trustsSizes: boolean
  readonly loginDelayMs: number
  /** False: the server's ids are not asked for. */
  readonly ids: boolean
  /** The wait for the first byte of a reply, ms. */
  readonly replyMs: number
  /** Called when a pipelined session went wrong: the account goes on without for the rest of the run (RET-21). */
  distrust(): void
  /** What was thrown, with better advice where there is some. */
  advised(error: unknown): unknown
}

/** One signed-in maildrop. Message numbers are this session's own (QUIRKS SES-06). */
export class Pop3Session implements Session {
  readonly expires: boolean
  readonly loginDelayMs: number
  readonly facts: Session['facts']
  readonly #client: Pop3Client
  readonly #mode: SessionMode
  readonly #idle: Idle
  readonly #replyMs: number
  /** The messages' numbers; negative where RETR was sent: once each per session (QUIRKS RET-17). */
  #numbers = new Map<MessageKey, number>()
  /** Asked for and not answered, in order. */
  readonly #flight: Asked[] = []
  #octetsInFlight = 0
  /** Octets of commands that may be unanswered: a window that was answered whole is doubled. */
  #window: number
  #answered = 0
  #refusals = 0
  #broken = false

  constructor(client: Pop3Client, mode: SessionMode) {
    this.#client = client
    this.#mode = mode
    this.expires = mode.expires
    this.#idle = new Idle(client.wire, mode)
    this.loginDelayMs = mode.loginDelayMs
    this.facts = { ...client.facts, pipelined: mode.pipelined }
    this.#window = mode.pipelined ? firstWindow : 0
    // A server that lost a glued command is silent for ever: do not wait minutes for it (QUIRKS CAP-04).
    this.#replyMs = mode.pipelined ? Math.min(mode.replyMs, pipelinedReplyMs) : mode.replyMs
  }

  async list(): Promise<Listing> {
    try {
      const { pipelined, ids } = this.#mode
      const maildrop = await this.#client.maildrop({ pipelined, ids, replyMs: this.#replyMs })
      const { listing, numbers } = identify(maildrop)
      this.#numbers = numbers
      return listing
    } catch (error) {
      throw this.#break(error)
    }
  }

  headers(entries: readonly Entry[]): AsyncIterable<Uint8Array | undefined> | undefined {
    return this.#client.capabilities?.has('TOP') ? this.#headers(entries) : undefined
  }

  async *retrieve(wanted: Wanted, intake: Intake): AsyncIterable<Retrieved> {
    try {
      for (;;) {
        this.#refill(wanted)
        const asked = this.#flight[0]
        if (asked) {
          const retrieved = await this.#receive(asked, intake)
          this.#flight.shift()
          this.#open(asked.octets)
          yield retrieved
          if (this.#refusals >= manyRefusals) throw this.#refusesAll(retrieved)
        } else if (!(await this.#idle.until(wanted.more()))) return
      }
    } catch (error) {
      throw this.#break(error)
    }
  }

  async *delete(entries: readonly Entry[]): AsyncIterable<Deletion> {
    const byNumber = new Map(entries.map((entry) => [this.#numberOf(entry), entry]))
    const messages = Array.from(byNumber, ([number, { key }]) => ({ number, uidl: uidlOf(key) }))
    const mode = { pipelined: this.#mode.pipelined, replyMs: this.#replyMs }
    try {
      for await (const { number, fault } of markDeleted(this.#client, messages, mode)) {
        const entry = byNumber.get(number)
        if (entry) yield { entry, ...(fault && { fault }) }
      }
    } catch (error) {
      throw this.#break(error)
    }
  }

  async stay<T>(until: Promise<T>): Promise<T> {
    try {
      return await this.#idle.until(until)
    } catch (error) {
      throw this.#break(error)
    }
  }

  /** Drops the connection instead where the dialogue is broken or a RETR unanswered: QUIT would commit it. */
  async quit(): Promise<boolean> {
    if (!this.#broken && this.#flight.length === 0) return this.#client.quit()
    this.#client.drop()
    return false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.drop()
  }

  /** Sends what the window has room for, in one piece, as soon as half of it is free. */
  #refill(wanted: Wanted): void {
    // A message of unknown size goes last, so that bytes behind its end show (QUIRKS RET-04).
    const last = this.#flight.at(-1)
    if (this.#octetsInFlight > this.#window / 2 || (last && this.#sizeOf(last.entry) === 0)) return
    if (this.#flight.length === 0) this.#client.wire.expectQuiet()
    let commands = ''
    while (this.#flight.length === 0 || this.#octetsInFlight + longestRetr <= this.#window) {
      const entry = wanted.take()
      if (!entry) break
      const listed = this.#numbers.get(entry.key) ?? -1
      const number = listed > 0 ? listed : undefined
      if (number !== undefined) this.#numbers.set(entry.key, -number)
      const command = number === undefined ? '' : `RETR ${number}\r\n`
      this.#flight.push({ entry, number, octets: command.length })
      this.#octetsInFlight += command.length
      commands += command
      if (this.#sizeOf(entry) === 0) break
    }
    if (commands !== '') this.#client.wire.send(commands.slice(0, -2))
  }

  async *#headers(entries: readonly Entry[]): AsyncIterable<Uint8Array | undefined> {
    const requests = entries.map((entry): HeaderRequest => {
      const number = this.#numberOf(entry)
      const most = mostOctets(this.#sizeOf(entry))
      return { number, most, requireEnd: async () => this.#requireEnd(number, entry) }
    })
    try {
      yield* readHeaders(this.#client, requests, { pipelined: this.#mode.pipelined, replyMs: this.#replyMs })
    } catch (error) {
      throw this.#break(error)
    }
  }

  #numberOf({ key }: Entry): number {
    const number = this.#numbers.get(key)
    if (number === undefined) throw new RangeError('a message that is not in this listing')
    return Math.abs(number)
  }

  /** Octets as listed; 0: unknown. */
  #sizeOf(entry: Entry): number {
    return this.#mode.trustsSizes ? entry.size : 0
  }

  /** A command was answered. */
  #open(octets: number): void {
    this.#octetsInFlight -= octets
    this.#answered += octets
    if (this.#answered < this.#window) return
    this.#answered = 0
    this.#window = Math.min(2 * this.#window, widestWindow)
  }

  async #receive({ entry, number }: Asked, intake: Intake): Promise<Retrieved> {
    const { wire } = this.#client
    wire.connection.phase = `RETR ${number}`
    if (number === undefined) return { entry, fault: wire.connection.fault('retr-refused', 'not in this listing') }
    const reply = wire.takeReply() ?? (await wire.reply(this.#replyMs))
    if (reply.status === 'error') return { entry, fault: this.#refusal(reply) }
    if (!reply.ok) throw wire.outOfStep(reply)
    this.#refusals = 0
    const incoming = intake.begin(entry)
    try {
      const size = this.#sizeOf(entry)
      const flags = await this.#body(reply, size, incoming)
      if (flags.includes('size-mismatch') || size === 0) await this.#requireEnd(number, entry)
      const message = await incoming.finish()
      await this.#requireOne(message, size)
      const wrapped = !this.#client.utf8 && isWrapper(message.header)
      return { entry, message, flags: wrapped ? [...flags, 'wrapped-by-server'] : flags }
    } catch (error) {
      await incoming.discard()
      throw error
    }
  }

  /** The octet count of the reply is ignored (QUIRKS RET-26); the listed size is all there is to find a cut by. */
  async #body(reply: Reply, size: number, incoming: Incoming): Promise<readonly Flag[]> {
    const { wire } = this.#client
    const { octets, unstuffedDot } = await this.#client.body(reply, incoming, mostOctets(size))
    if (this.#flight.length === 1) wire.expectQuiet()
    const short = octets < size - sizeTolerance
    if (short && this.#flight.length > 1) {
      // Its rest may be what the next reply looks like: fetch it again where nothing else is in flight (RET-04).
      throw wire.connection.fault('protocol', `only ${octets} of ${size} octets arrived`, { octets })
    }
    if (!short && !unstuffedDot) return noFlags
    return [...(short ? (['size-mismatch'] as const) : []), ...(unstuffedDot ? (['unstuffed-dot'] as const) : [])]
  }

  /**
   * A lone dot of a message that was not stuffed looks like its end, and what follows it like our next reply (QUIRKS
   * RET-04). So we ask for something that only the server can know.
   */
  async #requireEnd(number: number, { key, size }: Entry): Promise<void> {
    const { wire } = this.#client
    const { ids } = this.#mode
    const reply = await wire.ask(`${ids ? 'UIDL' : 'LIST'} ${number}`)
    if (repeats(reply, number, ids ? uidlOf(key) : String(size))) return
    throw wire.connection.fault('protocol', 'the message may go on behind its end', { reply: reply.text })
  }

  /** Where a terminator is missing, the message swallows the next reply and message (QUIRKS RET-06, RET-07, RET-20). */
  async #requireOne(message: Message, size: number): Promise<void> {
    if (!this.#mode.pipelined || size === 0 || message.size <= size) return
    if (!(await holdsReply(message))) return
    const words = `${message.size} octets arrived instead of ${size}: the end of the message is missing`
    throw this.#client.wire.connection.fault('protocol', words)
  }

  /** The message's fault; thrown where it is rather the server's (QUIRKS RET-15, RET-16). */
  #refusal(reply: Reply): Fault {
    const { connection } = this.#client.wire
    const facts = { reply: reply.text }
    if (isThrottle(reply)) {
      const retryAfterMs = pauseIn(reply.words)
      const words = 'the server serves no more messages for now'
      throw connection.fault('throttled', words, { ...facts, ...(retryAfterMs !== undefined && { retryAfterMs }) })
    }
    this.#refusals++
    return connection.fault('retr-refused', 'the server does not hand out the message', facts)
  }

  /** Several refusals in a row say more about the server than about the messages (QUIRKS RET-16). */
  #refusesAll(last: Retrieved): Fault {
    const facts = 'fault' in last && last.fault.facts.reply !== undefined ? { reply: last.fault.facts.reply } : {}
    return this.#client.wire.connection.fault('throttled', 'the server refuses one message after another', facts)
  }

  #break(error: unknown): unknown {
    this.#broken = true
    if (this.#mode.pipelined && error instanceof Fault && oddities.has(error.code)) this.#mode.distrust()
    return this.#mode.advised(error)
  }
}

interface Asked {
  readonly entry: Entry
  /** Undefined where the listing does not have the entry, or it was asked for already. */
  readonly number: number | undefined
  /** Of its command. */
  readonly octets: number
}

/** Whether a line looks like the reply to the next RETR; after half a terminator it begins behind a lone CR. */
async function holdsReply(message: Message): Promise<boolean> {
  let before = ''
  for await (const chunk of message.open()) {
    const text = before + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    if (/[\r\n]\+OK/i.test(text)) return true
    before = text.slice(-3)
  }
  return false
}

/** Listed sizes may be far off, but a message that does not end must not fill the disk. */
function mostOctets(listed: number): number {
  return listed === 0 ? Infinity : Math.max(16 * listed, listed + 1024 ** 3)
}

const noFlags: readonly Flag[] = []
const oddities: ReadonlySet<string> = new Set(['protocol', 'connection-lost', 'timeout'])
/** Small enough never to fill a server's input buffer: Dovecot's holds 2 KiB (QUIRKS RET-21). */
const firstWindow = 1024
/** What a server has no room for waits in its socket, which takes far more; Dovecot was measured with it. */
const widestWindow = 4096
const longestRetr = 'RETR 4294967295\r\n'.length
const pipelinedReplyMs = 30_000
const manyRefusals = 3
/** A final CRLF that the server counts or adds (QUIRKS LST-14, RET-10). */
const sizeTolerance = 2
