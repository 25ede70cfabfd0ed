import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A relay on loopback that sees which messages a client asks for, in plain text. */
export interface Tap extends AsyncDisposable {
  readonly port: number
  /** RETRs that have come since it was last set to 0. */
  retrs: number
  /** Called for each RETR before the server gets it. */
  onRetr: (() => void) | undefined
}

export async function openTap(port: number): Promise<Tap> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    let line = ''
    client.on('data', (chunk: Buffer) => {
      const lines = (line + chunk.toString('latin1')).split('\r\n')
      line = lines.pop() ?? ''
      for (const command of lines) if (/^RETR /i.test(command)) asked()
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (!client.write(chunk)) upstream.pause()
    })
    client.on('drain', () => {
      upstream.resume()
    })
    // Whoever closes closes both.
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => undefined)
      one.on('end', () => {
        other.end()
      })
      one.on('close', () => {
        other.destroySoon()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const tap: Tap = {
    port: (server.address() as AddressInfo).port,
    retrs: 0,
    onRetr: undefined,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const asked = (): void => {
    tap.retrs++
    tap.onRetr?.()
  }
  return tap
}
