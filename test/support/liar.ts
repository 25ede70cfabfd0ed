import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { mutated, type Mutation } from '../fault/fuzz.js'

/** A relay on loopback that changes what the server says. */
export interface Liar extends AsyncDisposable {
  readonly port: number
  /** In the first `octets` of each connection from then on. */
  changes: readonly Mutation[]
}

/** The place of a change, from 0 to 1, is one among so many octets. */
export async function openLiar(port: number, octets: number): Promise<Liar> {
  const sockets = new Set<Socket>()
  const liar = { changes: [] as readonly Mutation[] }
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    const { changes } = liar
    let at = 0
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    client.on('data', (chunk: Buffer) => upstream.write(chunk))
    client.on('close', () => {
      upstream.destroySoon()
    })
    upstream.on('close', () => {
      client.destroySoon()
    })
    upstream.on('data', (chunk: Buffer) => {
      const due = changes.filter((change) => Math.floor(change.at * octets) >= at)
      const here = due
        .map((change) => ({ ...change, at: (change.at * octets - at) / chunk.length }))
        .filter((change) => change.at < 1)
      at += chunk.length
      client.write(mutated(chunk, here))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(liar, {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
