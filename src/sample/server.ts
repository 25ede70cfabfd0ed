import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Dialogue } from './dialogue.js'
import { Session, type SampleUser } from './session.js'

export interface SampleServerOptions {
  readonly users: ReadonlyMap<string, SampleUser>
  /** PEM; `implicit`: TLS from the first byte, else STLS is offered. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly implicit: boolean }
  /** `<…@…>`: offers APOP, with this timestamp in the greeting. */
  readonly timestamp?: string
}

export interface SampleServer {
  readonly host: string
  readonly port: number
  /** Drops all connections; resolves when nothing of the server is left. */
  close(): Promise<void>
}

/** Starts a small honest POP3 server on a free port of the loopback interface. */
export async function startSampleServer({ users, tls, timestamp }: SampleServerOptions): Promise<SampleServer> {
  const context = tls && createSecureContext(tls)
  const implicit = tls?.implicit ?? false
  return listen(async (socket) => {
    const session = new Session({ users, timestamp, stls: tls !== undefined && !implicit })
    await new Dialogue(socket, session, context).run(implicit)
  })
}

/** Accepts connections on a free port of the loopback interface; `serve` resolves when it is done with one. */
export async function listen(serve: (socket: Socket) => Promise<void>): Promise<SampleServer> {
  const serving = new Set<Promise<void>>()
  // Kept until they are closed: the TCP connection outlives a dialogue whose TLS handshake was broken off.
  const sockets = new Set<Socket>()
  // Half open: a client may hang up right behind its last command.
  const server = createServer({ noDelay: true, allowHalfOpen: true, highWaterMark: 256 * 1024 }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const done = serve(socket).finally(() => serving.delete(done))
    serving.add(done)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    host,
    port: typeof address === 'object' && address ? address.port : 0,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all(serving)
      await closed
    },
  }
}

const host = '127.0.0.1'
