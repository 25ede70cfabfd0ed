import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import type { Chunks } from './message.js'
import type { Reply, Session } from './session.js'

/**
 * One session over one connection: reads command lines, pipelined ones too, and writes the replies in large pieces. It
 * holds little: while the client does not read, nothing more is produced; while a reply is being written, little is read.
 */
export class Dialogue {
  protected readonly session: Session
  protected socket: Socket
  readonly #context: SecureContext | undefined
  #input: Buffer = nothing
  #ended = false
  #output: Uint8Array[] = []
  #gathered = 0
  #wake: () => void = () => undefined

  constructor(socket: Socket, session: Session, context?: SecureContext) {
    this.socket = socket
    this.session = session
    this.#context = context
  }

  /** Resolves when the connection is closed. `secure`: TLS from the first byte. */
  async run(secure: boolean): Promise<void> {
    this.attach(this.socket)
    try {
      if (secure) this.#secure()
      await this.greet()
      for (let line: string | undefined; (line = await this.#line()) !== undefined;) await this.respond(line)
    } finally {
      this.session.close()
      this.socket.destroySoon()
    }
  }

  protected async greet(): Promise<void> {
    await this.reply(this.session.greeting)
  }

  protected async respond(line: string): Promise<void> {
    await this.reply(this.session.answer(line))
  }

  protected async reply({ bytes, then }: Reply): Promise<void> {
    await this.write(bytes)
    if (then === undefined) return
    await this.flush()
    if (then === 'secure') this.#secure()
    else this.socket.destroySoon()
  }

  /** Gathers small pieces, so that many replies leave in one write. */
  protected async write(chunks: Chunks): Promise<void> {
    for await (const bytes of chunks) {
      if (!this.socket.writable) return
      this.#output.push(bytes)
      this.#gathered += bytes.length
      if (this.#gathered >= enoughToSend) await this.flush()
    }
  }

  protected async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#output)
    this.#output = []
    this.#gathered = 0
    if (bytes.length > 0) await this.send(bytes)
  }

  /** Resolves when the client has taken most of it. */
  protected async send(bytes: Buffer): Promise<void> {
    if (this.socket.writable && !this.socket.write(bytes)) await this.until(() => !this.socket.writableNeedDrain)
  }

  /** Resolves when the condition holds or the connection is closed; looked at whenever something happens on it. */
  protected async until(condition: () => boolean): Promise<void> {
    while (!this.socket.destroyed && !condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  protected attach(socket: Socket): void {
    const wake = (): void => {
      this.#wake()
    }
    socket.on('data', (chunk: Buffer) => {
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk])
      if (this.#input.length > enoughInput) socket.pause()
      wake()
    })
    socket.on('end', () => {
      this.#ended = true
      wake()
    })
    socket.on('drain', wake)
    socket.on('close', wake)
    // A broken connection is a closed one.
    socket.on('error', wake)
  }

  /** Forgets what the client has sent and was not read yet. */
  protected discardInput(): void {
    this.#input = nothing
  }

  /** What arrived before the handshake must not count (RFC 2595 §4). */
  #secure(): void {
    this.socket.removeAllListeners('data').pause()
    this.discardInput()
    this.socket = new TLSSocket(this.socket, { isServer: true, ...(this.#context && { secureContext: this.#context }) })
    this.session.secure = true
    this.attach(this.socket)
  }

  /** The next command line without its line end, or undefined at the end. Sends what is gathered before it waits. */
  async #line(): Promise<string | undefined> {
    let end: number
    while ((end = this.#input.indexOf('\n')) < 0) {
      await this.flush()
      if (this.#ended || !this.socket.writable || this.#input.length > enoughInput) return undefined
      this.socket.resume()
      const { length } = this.#input
      await this.until(() => this.#ended || this.#input.length !== length)
    }
    if (!this.socket.writable) return undefined
    const line = this.#input.toString('latin1', 0, end)
    this.#input = this.#input.subarray(end + 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}

const nothing = Buffer.alloc(0)
const enoughToSend = 64 * 1024
const enoughInput = 64 * 1024
