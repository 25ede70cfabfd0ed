import type { Connection } from '../net/connection.js'
import { Inflow } from '../net/inflow.js'
import type { Patience, Transcript, WireOptions } from '../net/wire-options.js'
import { mayHoldLiteral, Response } from './response.js'

/** Takes a literal's bytes in pieces, valid during the call. A promise is awaited before anything more is read. */
export interface LiteralSink {
  write(bytes: Uint8Array): Promise<void> | undefined
}

/** IMAP's framing over a connection: response lines with their literals (RFC 3501 §2.2, §4.3). */
export class Wire {
  readonly connection: Connection
  readonly patience: Patience
  /** While somebody signs in: a challenge may hold what must not be shown. */
  hidesChallenges = false
  readonly #transcript: Transcript | undefined
  readonly #scrub: (text: string) => string
  readonly #inflow: Inflow
  #chunk: Uint8Array = nothing
  #at = 0

  constructor(connection: Connection, { patience, transcript, scrub }: WireOptions) {
    this.connection = connection
    this.patience = patience
    this.#transcript = transcript
    this.#scrub = scrub
    this.#inflow = new Inflow(connection)
  }

  /** All octets that have come. */
  get received(): number {
    return this.#inflow.octets
  }

  /** Nothing has arrived beyond what was read. */
  get quiet(): boolean {
    return this.#at === this.#chunk.length && this.connection.held === 0
  }

  remark(line: string): void {
    this.#transcript?.('*', line)
  }

  /** For the transcript: what was sent, secrets masked. */
  sent(line: string): void {
    this.#transcript?.('>', line)
  }

  /** Sends bytes as they are; `shown` is what the transcript says of them. */
  send(bytes: string | Uint8Array, shown: string): void {
    this.connection.write(bytes)
    this.sent(shown)
  }

  /**
   * The next response; `silenceMs` is the wait for its first byte. Literals go to what `sinkOf` gives for the first of
   * them, and their place in the response stays empty; else they are held, within bounds.
   */
  async response(silenceMs = this.patience.reply, sinkOf?: () => LiteralSink | undefined): Promise<Response> {
    const pieces: Uint8Array[] = []
    let sink: LiteralSink | undefined
    let octets = 0
    for (let waitMs = silenceMs; ; waitMs = this.patience.stall) {
      const line = await this.#line(waitMs, maxOctets - octets)
      octets += line.length
      const size = pieces.length > 0 || mayHoldLiteral(line) ? literalSize(line) : undefined
      if (size === undefined) {
        pieces.push(line)
        break
      }
      sink ??= sinkOf?.()
      if (sink === undefined && (octets += size) > maxOctets) throw this.#tooLong()
      if (pieces.length > maxPieces) throw this.#tooLong()
      const end = line.lastIndexOf(openBrace)
      pieces.push(line.subarray(0, line[end - 1] === tilde ? end - 1 : end))
      pieces.push(sink ? await this.#pass(size, sink) : await this.#take(size))
    }
    const response = new Response(pieces, this.#scrub)
    this.#transcript?.('<', response.tag === '+' && this.hidesChallenges ? '+ ***' : response.text)
    return response
  }

  /** A line without its line end. */
  async #line(silenceMs: number, most: number): Promise<Uint8Array> {
    let rest: Uint8Array = nothing
    for (let waitMs = silenceMs; ; waitMs = this.patience.stall) {
      const end = this.#chunk.indexOf(lf, this.#at)
      const part = this.#chunk.subarray(this.#at, end < 0 ? undefined : end)
      if (rest.length + part.length > most) throw this.#tooLong()
      rest = rest.length === 0 ? part : Buffer.concat([rest, part])
      if (end >= 0) {
        this.#at = end + 1
        return rest.at(-1) === cr ? rest.subarray(0, -1) : rest
      }
      this.#fill(await (rest.length > 0 ? this.#more() : this.#inflow.first(waitMs)))
    }
  }

  async #take(size: number): Promise<Uint8Array> {
    const bytes = Buffer.alloc(size)
    let held = 0
    await this.#pass(size, {
      write(part) {
        bytes.set(part, held)
        held += part.length
        return undefined
      },
    })
    return bytes
  }

  async #pass(size: number, sink: LiteralSink): Promise<Uint8Array> {
    for (let left = size; left > 0;) {
      if (this.#at === this.#chunk.length) this.#fill(await this.#more())
      const part = this.#chunk.subarray(this.#at, this.#at + left)
      this.#at += part.length
      left -= part.length
      const pause = sink.write(part)
      if (pause) await pause
    }
    return nothing
  }

  async #more(): Promise<Buffer> {
    return this.#inflow.more(this.patience.stall)
  }

  #fill(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  #tooLong(): Error {
    return this.connection.fault('protocol', `a response of more than ${maxOctets} octets`)
  }
}

/** The octets of the literal that a line announces, also a binary one (RFC 3516 §4.4). */
function literalSize(line: Uint8Array): number | undefined {
  if (line.at(-1) !== closeBrace) return undefined
  const [, size] = /~?\{(\d{1,15})\}$/.exec(Buffer.from(line.subarray(-20)).toString('latin1')) ?? []
  return size === undefined ? undefined : Number(size)
}

/** Of one response, without literals that go to a sink (QUIRKS APP-22). */
const maxOctets = 1024 * 1024
const maxPieces = 1000
const nothing = new Uint8Array()
const lf = 0x0a
const cr = 0x0d
const openBrace = 0x7b
const closeBrace = 0x7d
const tilde = 0x7e
