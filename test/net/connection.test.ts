import { expect, describe, test } from 'vitest'
import { Connection } from '../../src/net/connection.js'
import { connected } from '../pop3/connected.js'
import { ScriptServer, type Script } from '../pop3/script-server.js'

const never = new AbortController().signal

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('Connection', () => {
  test('CON-13 hands out what arrives, then the end', async () => {
    await using peers = await connected(async (peer) => {
      await peer.send('a', 'b')
      peer.end()
    })
    let text = ''
    for (let chunk = await peers.connection.read(5000); chunk; chunk = await peers.connection.read(5000)) {
      text += chunk.toString()
    }
    expect(text).toBe('ab')
    expect(await peers.connection.read(5000)).toBeUndefined()
  })

  test('CON-10 silence fails the read and the connection', async () => {
    await using peers = await connected()
    peers.connection.phase = 'STAT'
    const server = peers.connection.server
    expect(await failure(peers.connection.read(20))).toMatchObject({
      code: 'timeout',
      facts: { server, phase: 'STAT' },
    })
    expect(await failure(peers.connection.read(5000))).toMatchObject({ code: 'timeout' })
  })

  test('CON-11 limit holds although bytes keep dripping in', async () => {
    await using peers = await connected(async (peer) => {
      while (!peer.closed) await peer.send('x')
    })
    peers.connection.limit(60)
    const error = await failure(
      (async () => {
        while (await peers.connection.read(5000));
      })(),
    )
    expect(error).toMatchObject({ code: 'timeout' })
  })

  test('CON-09 a reset is connection-lost', async () => {
    await using peers = await connected(async (peer) => {
      await peer.line()
      peer.reset()
    })
    peers.connection.write('NOOP\r\n')
    expect(await failure(peers.connection.read(5000))).toMatchObject({ code: 'connection-lost' })
  })

  test('an abort fails the read in progress with the reason of the signal', async () => {
    await using server = await ScriptServer.start(() => undefined)
    const controller = new AbortController()
    const connection = await Connection.dial({ host: '127.0.0.1', port: server.port }, 5000, controller.signal)
    const reading = failure(connection.read(5000))
    const reason = new Error('stop')
    controller.abort(reason)
    expect(await reading).toBe(reason)
    expect(await failure(connection.read(5000))).toBe(reason)
    expect(await failure(Connection.dial({ host: '127.0.0.1', port: server.port }, 5000, controller.signal))).toBe(
      reason,
    )
  })

  test('the socket is paused while nobody reads', async () => {
    const flood: { sent: number } = { sent: 0 }
    const script: Script = async (peer) => {
      const piece = Buffer.alloc(1 << 20)
      for (; flood.sent < 64 && !peer.closed; flood.sent++) await peer.send(piece)
    }
    await using peers = await connected(script)
    expect((await peers.connection.read(5000))?.length).toBeGreaterThan(0)
    // The write that fills the kernel's buffers never calls back.
    await expect.poll(() => peers.connection.held).toBeGreaterThan(200_000)
    const { held } = peers.connection
    expect(held).toBeLessThan(1 << 20)
    let rest = 0
    for (let left = 4 << 20; left > 0; rest += 1) left -= (await peers.connection.read(5000))?.length ?? left
    expect(rest).toBeGreaterThan(1)
    expect(flood.sent).toBeLessThan(64)
  })

  test('CON-12 a command leaves in one piece', async () => {
    const line = `AUTH PLAIN ${'A'.repeat(200)}\r\n`
    await using peers = await connected((peer) => peer.line().then(() => undefined))
    peers.connection.write(line)
    peers.connection.write('NOOP\r\n')
    await expect.poll(() => peers.server.peers[0]?.segments.join('')).toBe(`${line}NOOP\r\n`)
    expect(peers.server.peers[0]?.segments[0]?.startsWith(line)).toBe(true)
  })

  test('CON-08 nobody listens', async () => {
    const server = await ScriptServer.start(() => undefined)
    const { port } = server
    await server[Symbol.asyncDispose]()
    const error = await failure(Connection.dial({ host: 'localhost', port }, 5000, never))
    const facts = { server: `localhost:${port}`, phase: 'connect' }
    expect(error).toMatchObject({ code: 'unreachable', message: 'the connection was refused', facts })
  })
})
