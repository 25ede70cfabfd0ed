import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { readFileSync } from 'node:fs'
import { FakePop3Server } from '../support/fake-pop3-server.js'

/** A client without any knowledge of POP3 beyond line ends: what arrives is text, one character a byte. */
export class RawClient implements Disposable {
  #socket: Socket
  #text = ''
  #ended = false
  #error: Error | undefined
  #wake: () => void = () => undefined

  static async open({ host, port }: { readonly host: string; readonly port: number }): Promise<RawClient> {
    const socket = connectTcp({ host, port, noDelay: true })
    const client = new RawClient(socket)
    await new Promise((resolve) => socket.once('connect', resolve))
    return client
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#attach()
  }

  get socket(): Socket {
    return this.#socket
  }

  /** TLS from here on, for the name `localhost`. */
  async secure(): Promise<void> {
    this.#socket.removeAllListeners('data')
    const tls = connectTls({ socket: this.#socket, servername: 'localhost', ca: readFileSync(FakePop3Server.ca) })
    this.#socket = tls
    this.#attach()
    await new Promise((resolve, reject) => tls.once('secureConnect', resolve).once('error', reject))
  }

  send(line: string): void {
    this.#socket.write(`${line}\r\n`, 'latin1')
  }

  /** The next line without its line end. */
  async line(): Promise<string> {
    return (await this.#upTo('\r\n')).slice(0, -2)
  }

  async ask(line: string): Promise<string> {
    this.send(line)
    return this.line()
  }

  /** A multi-line reply behind its status line: up to the terminator, which is cut; dots still stuffed. */
  async body(): Promise<string> {
    this.#text = `\r\n${this.#text}`
    const text = await this.#upTo('\r\n.\r\n')
    return text.slice(2, -3)
  }

  async signIn(): Promise<string> {
    await this.line()
    await this.ask('USER alice')
    return this.ask('PASS secret')
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#turn()
    const text = this.#text
    this.#text = ''
    return text
  }

  /** What the connection died of. */
  async failure(): Promise<Error | undefined> {
    await this.rest()
    return this.#error
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  async #upTo(mark: string): Promise<string> {
    let at: number
    while ((at = this.#text.indexOf(mark)) < 0) {
      if (this.#ended) throw new Error(`the connection ended behind ${JSON.stringify(this.#text)}`)
      await this.#turn()
    }
    const text = this.#text.slice(0, at + mark.length)
    this.#text = this.#text.slice(text.length)
    return text
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #attach(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('error', (error) => {
      this.#error = error
    })
    this.#socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }
}
