import { describe, expect, it } from 'vitest'
import { openSpool } from '../../src/files/spool.js'
import { Fault } from '../../src/ports/fault.js'
import type { SampleMessage } from '../../src/sample/message.js'
import { rewrite, send } from '../support/fake-actions.js'
import { temporaryFolder } from '../support/folder.js'
import { body, drop, Scene } from './scene.js'

const words = Array.from({ length: 12 }, (_, index) => `word ${'x'.repeat(index)}`)
const twelve = (prefix: string): SampleMessage[] =>
  drop(...words.map((word, index) => [`${prefix}${index}`, body(word)] as const))
const bodies = words.map((word) => body(word))
const tooBig = new Fault('too-big', 'larger than the target takes')
const undated = { dateOf: () => undefined }

/** A scene whose first run has copied the twelve under ids that begin with `a`. */
async function copied(): Promise<Scene> {
  const scene = await Scene.start({ messages: twelve('a') })
  await scene.run()
  return scene
}

describe('a reset of all ids', () => {
  it('finds what waits in quarantine: it is not fetched for its target, and fails under its new id', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    scene.two.refuse = (key) => (key === 'a3' ? tooBig : undefined)
    await scene.run()
    scene.server.messages = twelve('b')
    for (let time = 0; time < 2; time++) {
      expect((await scene.run()).counts).toMatchObject({ listed: 12, present: 11, failed: 1, copied: 0 })
      expect(scene.quarantine.files.size).toBe(1)
      const failed = scene.events.findLast(({ type }) => type === 'message.failed')
      expect(failed).toMatchObject({ key: 'b3', target: 'two' })
    }
    scene.two.refuse = () => undefined
    expect((await scene.run()).counts).toMatchObject({ listed: 12, present: 11, copied: 1 })
    expect(scene.asked).toEqual([])
    scene.requireStored(bodies)
  })

  it('leaves out what `select` leaves out, knows what was copied, and stores nothing twice when it changes', async () => {
    await using scene = await copied()
    scene.server.messages = [...twelve('b'), ...drop(['new', body('y'.repeat(200))])]
    const narrow = { maxSize: 35, ...undated }
    const { counts } = await scene.run({ select: narrow })
    expect(counts.filtered).toBeGreaterThan(5)
    expect(counts).toMatchObject({ listed: 13, copied: 0, present: 13 - counts.filtered })
    expect(await scene.run({ select: { maxSize: 100, ...undated } })).toMatchObject({
      counts: { present: 12, filtered: 1, copied: 0 },
    })
    expect((await scene.run()).counts).toMatchObject({ present: 12, copied: 1 })
    scene.requireStored([...bodies, body('y'.repeat(200))])
  })

  it('judges by their size when they arrive only those that are not known', async () => {
    await using scene = await copied()
    scene.server.messages = [...twelve('b'), ...drop(['new', body('y'.repeat(200))])]
    scene.server.hooks = { LIST: () => rewrite((reply) => reply.toString('latin1').replaceAll(/^(\d+) \d+/gm, '$1 1')) }
    const { counts } = await scene.run({ select: { maxSize: 20, ...undated } })
    expect(counts).toMatchObject({ listed: 13, present: 12, filtered: 1, copied: 0, reidentified: 12 })
  })

  it('knows a message that was cut short, without fetching it twice more', async () => {
    await using folder = await temporaryFolder()
    await using scene = await Scene.start({ messages: twelve('a'), source: { pipelining: 'off' } })
    scene.spool = await openSpool(folder.path)
    const LIST = () => rewrite((reply) => reply.toString('latin1').replace(/^2 \d+/m, '2 999'))
    scene.server.hooks = { LIST }
    expect(await scene.run()).toMatchObject({ mismatched: 1, counts: { copied: 12 } })
    scene.server.messages = twelve('b')
    expect(await scene.run()).toMatchObject({ status: 'ok', mismatched: 0, counts: { present: 12, reidentified: 12 } })
    expect(scene.asked).toHaveLength(12)
    scene.requireStored(bodies)
  })

  it('is none where the server shows a part at a time: twins in two windows stay two', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.ledger.remember('alice', { windowed: true })
    await scene.run({ source: { sessions: 'single' } })
    await scene.ledger.remember('alice', { windowed: true })
    scene.server.messages = twelve('b')
    expect((await scene.run({ source: { sessions: 'single' } })).counts).toMatchObject({ copied: 12, reidentified: 0 })
    scene.requireStored([...bodies, ...bodies])
  })

  it('is taken back where the old ids were only hidden: a twin among the new mail gets its own copy', async () => {
    await using scene = await copied()
    const late = drop(['n1', body('late')], ['n2', bodies[4] ?? ''])
    scene.server.messages = late
    expect((await scene.run()).counts).toMatchObject({ listed: 2, copied: 1, reidentified: 1 })
    scene.server.messages = [...twelve('a'), ...late]
    expect((await scene.run()).counts).toMatchObject({ listed: 14, present: 13, copied: 1 })
    scene.requireStored([...bodies, body('late'), bodies[4] ?? ''])
    expect((await scene.run()).counts).toMatchObject({ present: 14 })
    expect(scene.asked).toEqual([])
  })

  it('with a message that is deleted meanwhile, and one that is refused, ends well in the next run', async () => {
    await using scene = await copied()
    scene.server.messages = twelve('b')
    scene.server.hooks = {
      RETR: ({ uidl }) => {
        if (uidl === 'b3') scene.server.messages = twelve('b').filter((one) => one.uidl !== 'b3')
        return uidl === 'b3' || uidl === 'b7' ? send('-ERR no such message\r\n') : undefined
      },
    }
    expect((await scene.run()).counts).toMatchObject({ listed: 12, present: 10, vanished: 1, failed: 1 })
    scene.server.hooks = {}
    expect((await scene.run()).counts).toMatchObject({ listed: 11, present: 11, reidentified: 1 })
    scene.requireStored(bodies)
  })

  it('that is followed by another one before it is worked off, or taken back, stores nothing twice', async () => {
    await using scene = await copied()
    scene.server.messages = twelve('b')
    await scene.run({ limit: 3 })
    scene.server.messages = twelve('c')
    expect((await scene.run({ limit: 5 })).counts).toMatchObject({ present: 5, reidentified: 5 })
    scene.server.messages = twelve('a')
    expect((await scene.run()).counts).toMatchObject({ present: 12, copied: 0 })
    for (const prefix of ['b', 'c']) {
      scene.server.messages = twelve(prefix)
      expect((await scene.run()).counts).toMatchObject({ present: 12, copied: 0 })
    }
    scene.requireStored(bodies)
  })

  it('in the middle of which a target stops, is worked off when it is back', async () => {
    await using scene = await Scene.start({ messages: twelve('a') })
    await scene.run({ targets: 1 })
    scene.server.messages = twelve('b')
    scene.two.refuse = () => new Fault('target-gone', 'the disk is away')
    expect(await scene.run()).toMatchObject({ faults: [{ code: 'target-gone' }], counts: { copied: 0 } })
    scene.two.refuse = () => undefined
    expect((await scene.run()).counts).toMatchObject({ listed: 12, copied: 12 })
    scene.requireStored(bodies)
    expect((await scene.run()).counts).toMatchObject({ present: 12 })
    expect(scene.asked).toEqual([])
  })

  it('of shared ids tells their messages apart by their bytes', async () => {
    const shared = (id: string): SampleMessage[] =>
      drop([id, bodies[1] ?? ''], [id, bodies[2] ?? ''], [id, bodies[1] ?? ''])
    await using scene = await Scene.start({ messages: shared('A') })
    await scene.run()
    scene.server.messages = shared('B')
    expect((await scene.run()).counts).toMatchObject({ listed: 3, present: 3, reidentified: 3 })
    expect((await scene.run()).counts).toMatchObject({ present: 3 })
    expect(scene.asked).toEqual([])
    scene.requireStored([bodies[1], bodies[2], bodies[1]].map(String))
  })
})

describe('ids that are given out anew from 1', () => {
  it('LST-20 are recognised by the bytes of their messages, behind one that is gone', async () => {
    const numbered = (texts: readonly string[]): SampleMessage[] =>
      drop(...texts.map((text, index) => [String(index + 1), text] as const))
    await using scene = await Scene.start({ messages: numbered(bodies) })
    await scene.run()
    const rest = [...bodies.slice(1), body('fresh')]
    scene.server.messages = numbered(rest)
    expect((await scene.run()).counts).toMatchObject({ listed: 12, present: 11, copied: 1, reidentified: 11 })
    expect((await scene.run()).counts).toMatchObject({ present: 12 })
    expect(scene.asked).toEqual([])
    scene.server.messages = numbered(bodies)
    expect((await scene.run()).counts).toMatchObject({ present: 12, copied: 0 })
    scene.requireStored([...bodies, body('fresh')])
  })
})
