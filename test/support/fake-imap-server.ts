import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { FakeImapSession, type ImapHabits } from './fake-imap-session.js'
import { FakeMailStore } from './fake-mail-store.js'

export interface FakeImapOptions extends ImapHabits {
  readonly tls?: 'none' | 'starttls' | 'implicit'
}

/**
 * The scriptable IMAP server of the tests: honest unless hooks or habits say otherwise. Its user is `alice` with the
 * password `secret`.
 *
 *     await using server = await FakeImapServer.start({ hooks: { APPEND: ({ count }) => (count === 3 ? { cut: true } : undefined) } })
 *     … append to server.host, server.port …
 *     expect(server.store.messages('INBOX')).toHaveLength(3)
 */
export class FakeImapServer implements AsyncDisposable {
  /** PEM file of the authority of its certificate. */
  static readonly ca = tlsFile('ca.pem')
  readonly host = '127.0.0.1'
  readonly store: FakeMailStore
  /** Every command line of every connection, literals as `{n}`; responses are not in it. */
  readonly lines: string[] = []
  readonly options: FakeImapOptions
  /** Commands that are carried out later. */
  readonly held: (() => unknown)[] = []
  readonly #counts = new Map<string, number>()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  connections = 0

  static async start(options: FakeImapOptions = {}): Promise<FakeImapServer> {
    const server = new FakeImapServer(options)
    server.#server.listen(0, server.host)
    await once(server.#server, 'listening')
    return server
  }

  private constructor(options: FakeImapOptions) {
    this.options = options
    this.store = new FakeMailStore(options.uidValidity ?? 4711, options.delimiter ?? '/')
    const certificate = { cert: readFileSync(tlsFile('good.pem')), key: readFileSync(tlsFile('good.key')) }
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
      this.connections++
      const secured = options.tls === 'implicit' ? new TLSSocket(socket, { isServer: true, ...certificate }) : socket
      new FakeImapSession(secured, this, certificate).start()
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** An imap target of a plan. */
  target(more: object = {}): Record<string, unknown> {
    const { tls = 'none' } = this.options
    const tlsOptions = tls === 'none' ? {} : { tlsOptions: { ca: FakeImapServer.ca } }
    return {
      type: 'imap',
      host: this.host,
      port: this.port,
      tls,
      ...tlsOptions,
      user: 'alice',
      password: 'secret',
      ...more,
    }
  }

  /** Carries out what was held back. */
  release(): void {
    for (const act of this.held.splice(0)) act()
  }

  /** Counts an event of the whole server. */
  count(event: string): number {
    const count = (this.#counts.get(event) ?? 0) + 1
    this.#counts.set(event, count)
    return count
  }

  /** How often such a command came so far. */
  seen(event: string): number {
    return this.#counts.get(event) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}
