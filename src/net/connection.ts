import { connect, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { Fault, type FaultCode, type FaultFacts } from '../ports/fault.js'
import type { TlsFacts } from '../ports/sign-in-facts.js'
import { certificateFault, tlsFacts } from './certificate.js'
import { earlyHint } from './early.js'
import { networkFault } from './errors.js'
import { connectionOptions, type TlsSettings } from './tls.js'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/**
 * One TCP or TLS connection that is read by pulling: the socket is paused while nobody reads. Whatever ends it (error,
 * deadline, abort) is thrown by the read in progress or the next one; nothing can be sent or read after that.
 */
export class Connection {
  /** What is going on; part of every Fault. */
  phase = 'connect'
  readonly #endpoint: Endpoint
  readonly #signal: AbortSignal
  #socket: Socket
  /** Of the server, once it was reached. */
  #address: string | undefined
  #handshaking = false
  readonly #chunks: Buffer[] = []
  #held = 0
  #end: End | undefined
  #reader: Reader | undefined
  #deadline: NodeJS.Timeout | undefined
  #strikesAt = 0
  #movedAt = 0

  /** Resolves with a TCP connection to the first address that answers. `connectMs` goes on running until `settle`. */
  static async dial(endpoint: Endpoint, connectMs: number, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    const connection = new Connection(endpoint, connectMs, signal)
    await connection.#event('connect')
    connection.#address = connection.#socket.remoteAddress
    return connection
  }

  private constructor(endpoint: Endpoint, connectMs: number, signal: AbortSignal) {
    this.#endpoint = endpoint
    this.#signal = signal
    this.#socket = connect({
      ...endpoint,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      autoSelectFamily: true,
      // Node's 250 ms would drop a good address on a slow line (QUIRKS CON-08).
      autoSelectFamilyAttemptTimeout: Math.min(addressMs, Math.ceil(connectMs / 3)),
    })
    this.#attach()
    this.limit(connectMs)
    signal.addEventListener('abort', this.#abort)
  }

  get server(): string {
    const { host, port } = this.#endpoint
    return `${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** Bytes that arrived and were not read yet. */
  get held(): number {
    return this.#held
  }

  /** When the peer last took what we had sent, on the clock of `performance`. */
  get movedAt(): number {
    return this.#movedAt
  }

  /** Protocol version and cipher, for display; undefined without TLS. */
  get security(): string | undefined {
    if (!(this.#socket instanceof TLSSocket)) return undefined
    return `${this.#socket.getProtocol() ?? 'TLS'}, ${this.#socket.getCipher().standardName}`
  }

  /** The same for whoever checks it, with the certificate. */
  get tls(): TlsFacts | undefined {
    return this.#socket instanceof TLSSocket ? tlsFacts(this.#socket) : undefined
  }

  /** A Fault that names server and phase. */
  fault(code: FaultCode, message: string, facts: FaultFacts = {}): Fault {
    const hint = facts.hint ?? earlyHint(code, this.phase, this.#address)
    return new Fault(code, message, {
      server: this.server,
      phase: this.phase,
      ...facts,
      ...(hint !== undefined && { hint }),
    })
  }

  /** Milliseconds until `limit` strikes. */
  get leftMs(): number {
    return this.#strikesAt - performance.now()
  }

  /** The connection fails when `settle` is not called within `ms`, however busy it is. */
  limit(ms: number): void {
    clearTimeout(this.#deadline)
    this.#strikesAt = performance.now() + ms
    this.#deadline = setTimeout(() => {
      this.#timeOut(ms)
    }, ms)
  }

  settle(): void {
    clearTimeout(this.#deadline)
  }

  /**
   * Handshake and certificate check, at the start or in place (RFC 2595 §4). The caller sees to it that nothing is
   * held: bytes from before the handshake must never count as the server's (QUIRKS TLS-03).
   */
  async secure(settings: TlsSettings): Promise<void> {
    this.phase = 'TLS handshake'
    const { host } = this.#endpoint
    const socket = this.#upgrade(settings)
    await this.#event('secureConnect')
    this.#handshaking = false
    const fault = certificateFault(socket, { host, settings }, { server: this.server, phase: this.phase })
    if (!fault) return
    this.destroy(fault)
    throw fault
  }

  /** The next bytes, or undefined at the end of the stream. Fails when nothing comes for `silenceMs`. */
  read(silenceMs: number): Promise<Buffer | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk) {
      this.#held -= chunk.length
      return Promise.resolve(chunk)
    }
    if (this.#end === 'eof') return Promise.resolve(undefined)
    if (this.#end) return Promise.reject(this.#end.reason)
    if (this.#socket.isPaused()) this.#socket.resume()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#timeOut(silenceMs)
      }, silenceMs)
      this.#reader = { resolve, reject, timer }
    })
  }

  /** Sends in one piece (QUIRKS CON-12), with all else that is written in this turn. A failure shows at the next read. */
  write(bytes: string | Uint8Array): void {
    if (this.#end) return
    const socket = this.#socket
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => {
        socket.uncork()
      })
    }
    socket.write(bytes)
  }

  /** Resolves when the system has taken most of what was written. Rejects with whatever ends the connection first. */
  async drained(): Promise<void> {
    if (this.#end && this.#end !== 'eof') throw this.#end.reason
    if (!this.#socket.writableNeedDrain) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go)
        this.#socket.off('close', go)
        resolve()
      }
      this.#socket.on('drain', go)
      this.#socket.on('close', go)
    })
  }

  /** Drops the connection at once. */
  destroy(reason?: Error): void {
    this.#chunks.length = 0
    this.#held = 0
    this.#finish({ reason: reason ?? this.fault('connection-lost', 'the connection was dropped') })
  }

  #attach(): void {
    this.#socket.pause()
    this.#socket.on('data', this.#take)
    this.#socket.on('end', this.#eof)
    this.#socket.on('error', this.#fail)
    this.#socket.on('close', this.#eof)
    this.#socket.on('drain', this.#moved)
  }

  /** Leaves the plain socket to the TLS layer. */
  #upgrade(settings: TlsSettings): TLSSocket {
    const plain = this.#socket
    plain.off('data', this.#take)
    plain.off('end', this.#eof)
    plain.off('close', this.#eof)
    this.#handshaking = true
    try {
      const secure = connectTls({ socket: plain, ...connectionOptions(this.#endpoint.host, settings) })
      this.#socket = secure
      this.#attach()
      return secure
    } catch (error) {
      // A `ca` or `ciphers` that OpenSSL cannot use.
      const fault = this.fault('tls-failed', 'the TLS options of the plan cannot be used', { cause: error })
      this.destroy(fault)
      throw fault
    }
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#end) return
    if (this.#reader) {
      this.#answer(chunk)
      return
    }
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held >= maxHeld) this.#socket.pause()
  }

  readonly #eof = (): void => {
    this.#finish('eof')
  }

  readonly #fail = (error: Error): void => {
    const facts = { server: this.server, phase: this.phase }
    this.#finish({ reason: networkFault(error, facts, { handshaking: this.#handshaking, address: this.#address }) })
  }

  /** A peer that takes what we send is not silent. */
  readonly #moved = (): void => {
    this.#movedAt = performance.now()
    this.#reader?.timer?.refresh()
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal.reason
    this.destroy(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
  }

  #timeOut(ms: number): void {
    this.destroy(this.fault('timeout', `no answer within ${ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`}`))
  }

  #finish(end: End): void {
    if (this.#end) return
    this.#end = end
    clearTimeout(this.#deadline)
    this.#signal.removeEventListener('abort', this.#abort)
    this.#socket.destroy()
    if (end === 'eof') this.#answer(undefined)
    else this.#reject(end.reason)
  }

  #answer(chunk: Buffer | undefined): void {
    const reader = this.#reader
    this.#reader = undefined
    clearTimeout(reader?.timer)
    reader?.resolve(chunk)
  }

  #reject(reason: Error): void {
    const reader = this.#reader
    this.#reader = undefined
    clearTimeout(reader?.timer)
    reader?.reject(reason)
  }

  /** Waits for `connect` or `secureConnect`, or for whatever ends the connection first. */
  async #event(name: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const closed = (): void => {
        reject(this.fault('connection-lost', 'the server closed the connection'))
      }
      this.#reader = { resolve: closed, reject, timer: undefined }
      this.#socket.once(name, () => {
        this.#reader = undefined
        resolve()
      })
    })
  }
}

type End = { readonly reason: Error } | 'eof'

interface Reader {
  resolve(chunk: Buffer | undefined): void
  reject(reason: Error): void
  readonly timer: NodeJS.Timeout | undefined
}

const maxHeld = 256 * 1024
const keepAliveMs = 60_000
const addressMs = 2_000
