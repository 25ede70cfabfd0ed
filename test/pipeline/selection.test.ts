import { describe, expect, it } from 'vitest'
import { Scene } from './scene.js'

const nothing = { maxSize: 5, dateOf: () => undefined }

describe('`select`', () => {
  it('lets a run finish what a dead one announced, though it is left out by now', async () => {
    await using scene = await Scene.start()
    await scene.announce('one', 'u2')
    const { counts, status } = await scene.run({ select: nothing })
    expect({ status, ...counts }).toMatchObject({ status: 'ok', copied: 1, filtered: 4, pending: 0 })
    expect([scene.one.stored, scene.two.stored]).toEqual([['u2'], ['u2']])
    expect((await scene.ledger.load({ account: 'alice', target: 'one' })).announced).toEqual([])
  })

  it('counts nothing that it leaves out against --limit', async () => {
    await using scene = await Scene.start({ messages: ['x'.repeat(200), 'a\r\n', 'b\r\n', 'c\r\n'] })
    const { counts } = await scene.run({ select: { maxSize: 100, dateOf: () => undefined }, limit: 2 })
    expect(counts).toMatchObject({ copied: 2, filtered: 1, pending: 1 })
  })
})
