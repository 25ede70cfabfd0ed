import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A relay on loopback that makes a round trip longer, and limits no bandwidth. */
export interface DelayProxy extends AsyncDisposable {
  readonly port: number
}

/** Bytes leave half of `roundTripMs` after they came, in each direction; also the end of a stream. */
export async function delayProxy(port: number, roundTripMs: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    relay(client, upstream, roundTripMs / 2)
    relay(upstream, client, roundTripMs / 2)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function relay(from: Socket, to: Socket, delayMs: number): void {
  // Timers of one length fire in the order in which they were set.
  const later = (act: () => void): void => {
    setTimeout(act, delayMs)
  }
  from.on('data', (chunk) => {
    later(() => to.write(chunk))
  })
  from.on('end', () => {
    later(() => to.end())
  })
  from.on('error', () => {
    to.destroy()
  })
}
