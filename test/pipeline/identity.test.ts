import { describe, expect, it } from 'vitest'
import { multipart } from '../fault/reset.js'
import { rewrite, send } from '../support/fake-actions.js'
import { body, drop, Scene } from './scene.js'

const words = Array.from({ length: 12 }, (_, index) => `word${index}`)
const twelve = (prefix: string): ReturnType<typeof drop> =>
  drop(...words.map((word, index) => [`${prefix}${index}`, body(word)] as const))
const bodies = words.map((word) => body(word))

describe('a maildrop that comes back with new ids', () => {
  it('LST-04 is fetched once, recognised, and never fetched again', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = twelve('b')
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { present: 12, copied: 0, reidentified: 12 } })
    expect(await scene.run()).toMatchObject({ counts: { present: 12, reidentified: 0 } })
    expect(scene.asked).toEqual([])
    scene.server.messages = twelve('c')
    expect(await scene.run()).toMatchObject({ counts: { present: 12, reidentified: 12 } })
    scene.requireStored(bodies)
  })

  it('LST-04 keeps twins, and stores what is new', async () => {
    const twin = body('twin')
    await using scene = await Scene.start({ messages: drop(['a1', twin], ['a2', twin], ['a3', body('x')]) })
    await scene.run()
    scene.server.messages = drop(['b1', twin], ['b2', twin], ['b3', twin], ['b4', body('y')])
    expect((await scene.run()).counts).toMatchObject({ listed: 4, present: 2, copied: 2, reidentified: 2 })
    scene.requireStored([twin, twin, twin, body('x'), body('y')])
  })

  it('RET-23 knows a message with another boundary by its header, says so, and keeps it in mind', async () => {
    const first = Array.from({ length: 5 }, (_, index) => multipart(index, 'first'))
    const second = Array.from({ length: 5 }, (_, index) => multipart(index, 'another'))
    const other = multipart(9, 'first')
    await using scene = await Scene.start({
      messages: drop(...first.map((text, index) => [`a${index}`, text] as const)),
    })
    await scene.run()
    scene.server.messages = drop(...[...second, other].map((text, index) => [`b${index}`, text] as const))
    expect((await scene.run()).counts).toMatchObject({ present: 5, copied: 1, reidentified: 5 })
    scene.requireStored([...first, other])
    const flagged = scene.events.filter((event) => event.type === 'message.flagged')
    expect(flagged).toHaveLength(5)
    expect(flagged[0]).toMatchObject({ key: 'b0', flag: 'reidentified-by-header' })
    const [known] = await scene.ledger.find('alice', { key: 'a0' as never })
    expect(known?.targets).toEqual(['one', 'two'])
    for await (const { key, flags } of scene.ledger.receipts({ account: 'alice', target: 'one' })) {
      expect(flags.includes('reidentified-by-header')).toBe(key.startsWith('a'))
    }
    await scene.run()
    expect(scene.asked).toEqual([])
  })

  it('takes no other text for a rebuilt one only because the header is the same', async () => {
    await using scene = await Scene.start({ messages: drop(['a1', body('news')], ['a2', body('x')]) })
    await scene.run()
    scene.server.messages = drop(['b1', 'Subject: news\r\n\r\nanother text\r\n'])
    expect((await scene.run()).counts).toMatchObject({ copied: 1, reidentified: 0 })
  })

  it('brings a message that a target lacks there under its old key', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run({ limit: 4 })
    await scene.run({ targets: 1 })
    scene.server.messages = twelve('b')
    const { counts } = await scene.run()
    expect(counts).toMatchObject({ present: 4, copied: 8, reidentified: 12 })
    scene.requireStored(bodies)
    expect(scene.two.stored).toEqual(scene.one.stored)
  })

  it('goes on in the next run where --limit or the server ends this one', async () => {
    await using scene = await Scene.start({ messages: twelve('a'), cutEvery: 5 })
    await scene.run({ attempts: 5 })
    scene.server.messages = twelve('b')
    expect((await scene.run({ limit: 2 })).counts).toMatchObject({ present: 2, pending: 10, reidentified: 2 })
    expect((await scene.run({ attempts: 2 })).counts).toMatchObject({ present: 12, reidentified: 10 })
    scene.requireStored(bodies)
  })

  it('copies the newer one where an old id returns beside its alias', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = twelve('b')
    await scene.run()
    scene.server.messages = [...twelve('b'), ...twelve('a').slice(0, 2)]
    expect((await scene.run()).counts).toMatchObject({ listed: 14, present: 12, copied: 2, reidentified: 0 })
    expect(scene.asked).toEqual(['b0', 'b1'])
    scene.requireStored([...bodies, ...bodies.slice(0, 2)])
    await scene.run()
    expect(scene.asked).toEqual([])
  })

  it('LST-19 takes new ids beside many old ones for new messages: twins stay two', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = [...twelve('a').slice(0, 6), ...twelve('b').slice(6)]
    expect((await scene.run()).counts).toMatchObject({ present: 6, copied: 6, reidentified: 0 })
    scene.server.messages = [...twelve('a'), ...twelve('b').slice(6)]
    expect((await scene.run()).counts).toMatchObject({ present: 18, copied: 0 })
    scene.requireStored([...bodies, ...bodies.slice(6)])
  })

  it('stops where the plan says so, changes nothing, and lets the admin decide', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = twelve('b')
    for (let time = 0; time < 2; time++) {
      const result = await scene.run({ source: { onUidlReset: 'stop' } })
      expect(result).toMatchObject({ status: 'failed', counts: { pending: 12 }, faults: [{ code: 'uidl-reset' }] })
      expect(scene.asked).toEqual([])
    }
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { present: 12, reidentified: 12 } })
    expect(await scene.run({ source: { onUidlReset: 'stop' } })).toMatchObject({ status: 'ok' })
  })

  it('does not stop for fewer than ten messages', async () => {
    await using scene = await Scene.start({ messages: twelve('a').slice(0, 9) })
    await scene.run()
    scene.server.messages = twelve('b').slice(0, 9)
    const result = await scene.run({ source: { onUidlReset: 'stop' } })
    expect(result).toMatchObject({ status: 'ok', counts: { reidentified: 9 } })
  })

  it('LST-13 is not taken in by an empty listing in between', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = []
    expect((await scene.run({ source: { onUidlReset: 'stop' } })).counts).toMatchObject({ listed: 0 })
    scene.server.messages = twelve('b')
    expect((await scene.run()).counts).toMatchObject({ reidentified: 12 })
    scene.requireStored(bodies)
  })

  it('LST-21 concludes nothing from an emergency listing', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run()
    scene.server.messages = drop(['ENOMEM-1', body('word3')])
    expect((await scene.run()).counts).toMatchObject({ listed: 1, present: 1, reidentified: 1 })
    scene.server.messages = [...twelve('a'), ...drop(['new', body('new')])]
    expect((await scene.run()).counts).toMatchObject({ listed: 13, present: 12, copied: 1 })
    scene.requireStored([...bodies, body('new')])
  })
})

describe('a known id', () => {
  it('LST-20 that stands for another message now: both are kept', async () => {
    await using scene = await Scene.start({ messages: drop(['7', body('old')], ['8', body('same')]) })
    await scene.run()
    scene.server.messages = drop(['7', body('another one')], ['8', body('same')])
    expect((await scene.run()).counts).toMatchObject({ present: 1, copied: 1 })
    expect(scene.asked).toEqual(['7'])
    expect(scene.events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'uidl-reused' }))
    const stored = [body('old'), body('same'), body('another one')]
    scene.requireStored(stored)
    expect((await scene.run()).counts).toMatchObject({ present: 2 })
    expect(scene.asked).toEqual([])
    scene.server.messages = drop(['7', body('old')], ['8', body('same')])
    expect((await scene.run()).counts).toMatchObject({ present: 2, copied: 0 })
    scene.requireStored(stored)
  })

  it('with another size is fetched once for each change, and not stored where the header is the same', async () => {
    await using scene = await Scene.start({ messages: drop(['a', body('one')], ['b', body('two')]) })
    await scene.run()
    for (const size of [999, 77]) {
      scene.server.hooks = { LIST: () => rewrite((reply) => reply.toString('latin1').replace(/^1 \d+/m, `1 ${size}`)) }
      const { counts } = await scene.run()
      expect(counts).toMatchObject({ present: 2, copied: 0 })
      expect(scene.asked).toEqual(['a'])
      await scene.run()
      expect(scene.asked).toEqual([])
    }
    scene.requireStored([body('one'), body('two')])
  })

  it('that could not be compared is neither present nor lost', async () => {
    await using scene = await Scene.start({ messages: drop(['a', body('one')], ['b', body('two')]) })
    await scene.run()
    scene.server.messages = drop(['a', body('one more')], ['b', body('two')])
    scene.server.hooks = { RETR: () => send('-ERR not now\r\n') }
    expect((await scene.run()).counts).toMatchObject({ present: 1, failed: 1 })
    scene.server.hooks = {}
    expect((await scene.run()).counts).toMatchObject({ present: 1, copied: 1 })
  })

  it('LST-03 shared by several messages: the bytes tell which of them is gone and which is new', async () => {
    const [one, two, three] = [body('one'), body('two2'), body('one')]
    await using scene = await Scene.start({ messages: drop(['A', one], ['A', two], ['A', three], ['b', body('b')]) })
    expect((await scene.run()).counts).toMatchObject({ copied: 4 })
    scene.server.messages = drop(['A', two], ['A', three], ['b', body('b')])
    expect((await scene.run()).counts).toMatchObject({ present: 3, copied: 0 })
    await scene.run()
    expect(scene.asked).toEqual([])
    const fourth = body('4th')
    scene.server.messages = drop(['A', two], ['A', three], ['A', fourth], ['b', body('b')])
    expect((await scene.run()).counts).toMatchObject({ present: 3, copied: 1, reidentified: 0 })
    scene.requireStored([one, two, three, fourth, body('b')])
    await scene.run()
    expect(scene.asked).toEqual([])
  })
})
