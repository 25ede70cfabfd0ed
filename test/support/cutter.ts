import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A relay on loopback that does something once so many octets have come from clients. */
export interface Cutter extends AsyncDisposable {
  readonly port: number
  /** Once: when so many octets have gone to the server, to the octet. */
  after(octets: number, act: () => void): void
  /** Breaks every connection, in both directions at once. */
  cut(): void
  /** That has happened. */
  readonly disturbed: boolean
}

export async function openCutter(port: number): Promise<Cutter> {
  const sockets = new Set<Socket>()
  let left = Infinity
  let act: () => void = () => undefined
  let disturbed = false
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    client.on('data', (chunk: Buffer) => {
      if (left > chunk.length) {
        left -= chunk.length
        if (!upstream.write(chunk)) client.pause()
        return
      }
      // What comes behind it is lost on the way. The server has the rest when it hears of the end.
      upstream.write(chunk.subarray(0, left), () => {
        disturbed = true
        act()
      })
      left = Infinity
      client.pause()
    })
    upstream.on('drain', () => client.resume())
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk)
    })
    client.on('close', () => {
      upstream.destroySoon()
    })
    upstream.on('close', () => {
      client.destroySoon()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    after(octets, then) {
      left = octets
      act = then
    },
    cut,
    get disturbed() {
      return disturbed
    },
    [Symbol.asyncDispose]: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
