import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Who sends what is counted. */
export type Side = 'client' | 'server'

/** A relay on loopback that does something once so many octets have come from one side. */
export interface Cutter extends AsyncDisposable {
  readonly port: number
  /** Once: when so many more octets of that side have been passed on, to the octet. What comes behind them is lost. */
  after(octets: number, act: () => void, side?: Side): void
  /** Breaks every connection, in both directions at once; a reset also loses what is on its way. */
  cut(how?: 'close' | 'reset'): void
  /** That has happened. */
  readonly disturbed: boolean
  /** Octets that have come from that side so far. */
  passed(side: Side): number
}

export async function openCutter(port: number): Promise<Cutter> {
  const sockets = new Set<Socket>()
  const passed = { client: 0, server: 0 }
  let watch: { readonly side: Side; left: number; readonly act: () => void } | undefined
  let disturbed = false
  const pipe = (from: Socket, to: Socket, side: Side): void => {
    from.on('data', (chunk: Buffer) => {
      passed[side] += chunk.length
      if (watch?.side !== side || watch.left > chunk.length) {
        if (watch?.side === side) watch.left -= chunk.length
        if (!to.write(chunk)) from.pause()
        return
      }
      const { left, act } = watch
      watch = undefined
      from.pause()
      // The receiver has the rest when it hears of the end.
      to.write(chunk.subarray(0, left), () => {
        disturbed = true
        act()
      })
    })
    to.on('drain', () => from.resume())
    from.on('close', () => {
      to.destroySoon()
    })
  }
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    pipe(client, upstream, 'client')
    pipe(upstream, client, 'server')
  })
  const cut = (how: 'close' | 'reset' = 'close'): void => {
    for (const socket of sockets) {
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    after(octets, act, side = 'client') {
      watch = { side, left: octets, act }
    },
    cut,
    get disturbed() {
      return disturbed
    },
    passed: (side) => passed[side],
    [Symbol.asyncDispose]: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
