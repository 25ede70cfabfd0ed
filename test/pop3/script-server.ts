import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TLSSocket, type TlsOptions } from 'node:tls'

/** One connection as its script sees it. */
export class Peer {
  /** Command lines received so far, without CRLF. */
  readonly lines: string[] = []
  /** What arrived, as it was cut on the way. */
  readonly segments: string[] = []
  #socket: Socket
  #text = ''
  #wake: (() => void) | undefined
  #closed = false

  constructor(socket: Socket) {
    this.#socket = this.#listen(socket)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Resolves when the bytes are handed to the system, so that the next call makes another segment. */
  async send(...pieces: (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#closed) return
      const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
      // The detour through the event loop lets a loop of sends see that the client is gone.
      await new Promise<void>((resolve) => this.#socket.write(bytes, () => setImmediate(resolve)))
    }
  }

  /** The next command line; undefined once the client is gone. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        this.lines.push(line)
        return line
      }
      if (this.#closed) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Answers commands until `QUIT` or the end: replies by whole line, else by first word; a function may do anything. */
  async answer(replies: Replies): Promise<void> {
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      const word = line.split(' ')[0] ?? ''
      const reply = replies[line] ?? replies[word] ?? defaults[word] ?? '-ERR unknown command\r\n'
      if (typeof reply === 'function') await reply(line, this)
      else await this.send(reply)
      if (line === 'QUIT') this.end()
    }
  }

  /** Server side of a TLS handshake, in place. */
  async secure(options: TlsOptions): Promise<void> {
    this.#socket.removeAllListeners()
    const secure = new TLSSocket(this.#socket, { isServer: true, ...options })
    this.#socket = this.#listen(secure)
    await new Promise((resolve) => secure.once('secure', resolve).once('close', resolve))
  }

  /** As a reply: hangs up. */
  static readonly end = (_line: string, peer: Peer): void => {
    peer.end()
  }

  end(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  #listen(socket: Socket): Socket {
    const gone = (): void => {
      this.#closed = true
      this.#wake?.()
    }
    socket.on('data', (chunk: Buffer) => {
      this.segments.push(chunk.toString('latin1'))
      this.#text += chunk.toString('latin1')
      this.#wake?.()
    })
    return socket.on('end', gone).on('close', gone).on('error', gone).setNoDelay(true)
  }
}

export type Replies = Readonly<Record<string, string | ((line: string, peer: Peer) => Promise<void> | void)>>
export type Script = (peer: Peer, connection: number) => Promise<void> | void

/** A listing of capabilities. */
export function capa(...lines: readonly string[]): string {
  return `+OK\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`
}

/** Greets, with a timestamp, and answers. */
export function script(replies: Replies): Script {
  return async (peer) => {
    await peer.send('+OK ready <1.2@host>\r\n')
    await peer.answer(replies)
  }
}

const defaults: Replies = { USER: '+OK\r\n', PASS: '+OK\r\n', QUIT: '+OK bye\r\n' }

/** A server on loopback that runs the script for every connection. */
export class ScriptServer implements AsyncDisposable {
  readonly peers: Peer[] = []
  readonly #server: Server
  readonly #sockets: Socket[] = []

  static async start(script: Script): Promise<ScriptServer> {
    const server = new ScriptServer(script)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  private constructor(script: Script) {
    this.#server = createServer((socket) => {
      this.#sockets.push(socket)
      const peer = new Peer(socket)
      this.peers.push(peer)
      void script(peer, this.peers.length)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** All command lines of one connection, the first by default. */
  lines(connection = 1): readonly string[] {
    return this.peers[connection - 1]?.lines ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}
