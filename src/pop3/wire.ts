import type { Fault } from '../ports/fault.js'
import type { Connection } from '../net/connection.js'
import { Inflow } from '../net/inflow.js'
import type { Patience, Transcript, WireOptions } from '../net/wire-options.js'
import { decodeText } from '../net/server-text.js'
import { Reply } from './reply.js'
import type { DotStuffing } from './dot-stuffing.js'

/** Takes a message's bytes in pieces. A promise is awaited before anything more happens. */
export interface BodySink {
  write(bytes: Uint8Array): Promise<void> | undefined
}

/** Takes a line of a listing: `bytes` from `start` to before `end`, valid during the call. */
export type LineSink = (bytes: Buffer, start: number, end: number) => void

/** POP3's framing over a connection: status lines, listings, message bodies. Chunk borders have no meaning (CON-13). */
export class Wire {
  readonly connection: Connection
  readonly patience: Patience
  /** Challenges and our responses together would let one guess a password: neither is for the transcript (QUIRKS SEC-01). */
  hidesChallenges = false
  readonly #transcript: Transcript | undefined
  readonly #scrub: (text: string) => string
  readonly #inflow: Inflow
  #chunk: Buffer = nothing
  #at = 0
  #latencyMs = Infinity

  constructor(connection: Connection, { patience, transcript, scrub }: WireOptions) {
    this.connection = connection
    this.patience = patience
    this.#transcript = transcript
    this.#scrub = scrub
    this.#inflow = new Inflow(connection)
  }

  /** The shortest time in which a command was answered, ms; Infinity before the first. */
  get latencyMs(): number {
    return this.#latencyMs
  }

  /** Nothing has arrived beyond what was read. With no command outstanding, anything else is a broken dialogue. */
  get quiet(): boolean {
    return this.#at === this.#chunk.length && this.connection.held === 0
  }

  /** With no command outstanding: leftovers mean that we and the server disagree (QUIRKS RET-04, RET-22). */
  expectQuiet(): void {
    if (!this.quiet) throw this.connection.fault('protocol', 'the server sent more than was asked for')
  }

  /** Sends a command that has to wait for its turn, and waits for the reply's first line. */
  async ask(command: string, shown = command, firstByteMs = this.patience.reply): Promise<Reply> {
    this.expectQuiet()
    const askedAt = performance.now()
    this.send(command, shown)
    const reply = await this.reply(firstByteMs)
    this.#latencyMs = Math.min(this.#latencyMs, performance.now() - askedAt)
    return reply
  }

  outOfStep(reply: Reply): Fault {
    return this.connection.fault('protocol', 'the server’s reply is neither +OK nor -ERR', { reply: reply.text })
  }

  /** The server's words for display, without secrets. */
  shown(line: Uint8Array): string {
    return decodeText(line, this.#scrub)
  }

  remark(line: string): void {
    this.#transcript?.('*', line)
  }

  /** Sends one command, or several glued with CRLF, in one piece; `shown` is the masked form. */
  send(commands: string, shown = commands): void {
    this.connection.write(`${commands}\r\n`)
    if (this.#transcript) for (const line of shown.split('\r\n')) this.#transcript('>', line)
  }

  /** The next status line if it has arrived already: the fast path. */
  takeReply(): Reply | undefined {
    const end = this.#chunk.indexOf(lf, this.#at)
    if (end < 0 || end - this.#at > maxLine) return undefined
    const start = this.#at
    this.#at = end + 1
    return this.#reply(this.#chunk.subarray(start, end))
  }

  /** The next status line; `firstByteMs` is the wait for its first byte. */
  async reply(firstByteMs = this.patience.reply): Promise<Reply> {
    let line: Reply | undefined
    while (!(line = this.takeReply())) {
      const rest = this.#chunk.subarray(this.#at)
      if (rest.length > maxLine) throw this.connection.fault('protocol', tooLong)
      this.#fill(await (rest.length > 0 ? this.#more() : this.#inflow.first(firstByteMs)))
      if (rest.length > 0) this.#chunk = Buffer.concat([rest, this.#chunk])
    }
    return line
  }

  /** The lines of a multi-line reply up to its terminator. Only a complete listing resolves (QUIRKS LST-12). */
  async lines(cap: LineCap, sink: LineSink): Promise<void> {
    let rest: Buffer = nothing
    for (let count = 0, octets = 0; ;) {
      const from = this.#at
      const lineFeed = this.#chunk.indexOf(lf, from)
      const end = lineFeed < 0 ? this.#chunk.length : lineFeed
      if (rest.length + end - from > maxLine) throw this.connection.fault('protocol', tooLong)
      if (lineFeed < 0) {
        rest = Buffer.concat([rest, this.#chunk.subarray(from)])
        this.#fill(await this.#more())
        continue
      }
      this.#at = lineFeed + 1
      const whole = rest.length === 0
      const bytes = whole ? this.#chunk : Buffer.concat([rest, this.#chunk.subarray(from, end)])
      if (this.#isLast(bytes, whole ? from : 0, whole ? end : bytes.length, sink)) return
      octets += whole ? end - from : bytes.length
      if (octets > cap.octets) throw this.connection.fault(cap.code, `a listing of more than ${cap.octets} octets`)
      if (++count > cap.lines) throw this.connection.fault(cap.code, `a listing of more than ${cap.lines} lines`)
      rest = nothing
    }
  }

  /** Passes a message's body on and returns its octets; fails beyond `most`. */
  async body(decoder: DotStuffing, sink: BodySink, most: number): Promise<number> {
    let octets = 0
    decoder.push(this.#chunk, this.#at)
    for (;;) {
      const bytes = decoder.next()
      if (bytes) {
        octets += bytes.length
        if (octets > most) throw this.connection.fault('protocol', `the message does not end within ${most} octets`)
        const pause = sink.write(bytes)
        if (pause) await pause
        continue
      }
      if (decoder.done) break
      this.#fill(await this.#more())
      decoder.push(this.#chunk, 0)
    }
    this.#at = decoder.position
    this.#transcript?.('<', `<${octets} octets>`)
    return octets
  }

  async #more(): Promise<Buffer> {
    return this.#inflow.more(this.patience.stall)
  }

  #fill(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  #reply(line: Buffer): Reply {
    const bareLf = line.at(-1) !== cr
    const reply = new Reply(bareLf ? line : line.subarray(0, -1), bareLf, this.#scrub)
    const hidden = this.hidesChallenges && reply.status === 'continue'
    this.#transcript?.('<', hidden ? '+ ***' : reply.text)
    return reply
  }

  /** Hands a line of a listing on, without its line end; true at the terminator. */
  #isLast(bytes: Buffer, start: number, lineFeed: number, sink: LineSink): boolean {
    const end = bytes[lineFeed - 1] === cr && lineFeed > start ? lineFeed - 1 : lineFeed
    if (this.#transcript) this.#transcript('<', this.shown(bytes.subarray(start, end)))
    if (end === start + 1 && bytes[start] === dot) return true
    sink(bytes, start, end)
    return false
  }
}

/** How many lines a listing may have, and the Fault beyond that. */
export interface LineCap {
  readonly lines: number
  readonly octets: number
  readonly code: 'protocol' | 'listing-too-long'
}

const lf = 0x0a
const cr = 0x0d
const dot = 0x2e
/** Of status and listing lines (QUIRKS CON-05); RFC 1939 §3 says 512 octets. Message lines have no limit. */
const maxLine = 8192
const tooLong = `a line of more than ${maxLine} octets`
const nothing = Buffer.alloc(0)
