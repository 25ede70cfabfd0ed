import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Trickle } from '../../src/net/inflow.js'
import { DotStuffing } from '../../src/pop3/dot-stuffing.js'
import type { Wire } from '../../src/pop3/wire.js'
import { connected } from '../pop3/connected.js'

describe('a reply of which an octet comes now and then', () => {
  test.each<[string, string, (wire: Wire) => Promise<unknown>]>([
    ['a status line', '+OK ', (wire) => wire.reply()],
    ['a listing', '1', (wire) => wire.lines({ lines: 10, octets: 1000, code: 'protocol' }, () => undefined)],
    ['a message', 'x', (wire) => wire.body(new DotStuffing(false), { write: () => undefined }, Infinity)],
  ])('CON-11 is given up, though it is never silent for long: %s', async (_, start, read) => {
    await using peers = await connected(
      async (peer) => {
        await peer.send(start)
        while (!peer.closed) {
          await pause(5)
          await peer.send('x')
        }
      },
      { stall: 60 },
    )
    await expect(read(peers.wire)).rejects.toMatchObject({ code: 'timeout', transient: true })
  })

  test('CON-11 goes on where enough comes', async () => {
    const body = 'x'.repeat(500)
    await using peers = await connected(
      async (peer) => {
        for (let count = 0; count < 20; count++) {
          await peer.send(body)
          await pause(20)
        }
        await peer.send('\r\n.\r\n')
      },
      { stall: 60 },
    )
    const octets = peers.wire.body(new DotStuffing(false), { write: () => undefined }, Infinity)
    expect(await octets).toBe(20 * body.length + 2)
  })
})

describe('Trickle', () => {
  test('looks at one window after the other, and begins anew where something else begins', () => {
    const trickle = new Trickle(5)
    for (let count = 0; count < 4; count++) expect(trickle.flows(1, 10, 10)).toBe(true)
    expect(trickle.flows(1020, 10, 10)).toBe(true)
    for (let count = 0; count < 4; count++) expect(trickle.flows(200, 10, 10)).toBe(true)
    expect(trickle.flows(200, 10, 10)).toBe(false)
    for (let count = 0; count < 4; count++) expect(trickle.flows(1, 10, 10)).toBe(true)
    trickle.reset()
    expect(trickle.flows(1, 10, 10)).toBe(true)
  })
})
