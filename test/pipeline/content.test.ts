import { describe, expect, it } from 'vitest'
import { cutAfter, rewrite } from '../support/fake-actions.js'
import { body, drop, Scene } from './scene.js'

const content = { source: { identity: 'content' } }
const twin = body('twin')
const six = [body('one'), twin, body('two'), twin, body('three'), body('four')]
const asDrop = (bodies: readonly string[]): ReturnType<typeof drop> =>
  drop(...bodies.map((text, index) => [`u${index}`, text] as const))

describe('a server without UIDL', () => {
  it('LST-01 is refused by default, with the setting that helps', async () => {
    await using scene = await Scene.start({ messages: asDrop(six), noUidl: true })
    const { status, faults } = await scene.run()
    expect({ status, code: faults[0]?.code }).toEqual({ status: 'failed', code: 'no-uidl' })
    expect(faults[0]?.hint).toContain('identity: content')
    expect(scene.server.retrs('u0')).toBe(0)
  })

  it('LST-01 is served by the bytes of its messages: all are fetched each time, none is stored twice', async () => {
    await using scene = await Scene.start({ messages: asDrop(six), noUidl: true })
    expect(await scene.run(content)).toMatchObject({ status: 'ok', counts: { listed: 6, copied: 6 } })
    expect(scene.one.stored[0]).toMatch(/^\nsha256:[0-9a-f]{64}$/)
    expect((await scene.run(content)).counts).toMatchObject({ listed: 6, present: 6, copied: 0, reidentified: 0 })
    expect(scene.asked).toHaveLength(6)
    expect(scene.server.lines).not.toContain('UIDL')
    scene.requireStored(six)
  })

  it('notices neither a deletion from the middle nor another order, but new mail and a new twin', async () => {
    await using scene = await Scene.start({ messages: asDrop(six), noUidl: true })
    await scene.run(content)
    scene.server.messages = asDrop([six[4] ?? '', twin, six[0] ?? ''])
    expect((await scene.run(content)).counts).toMatchObject({ listed: 3, present: 3, copied: 0 })
    scene.server.messages = asDrop([...six, twin, body('five')])
    expect((await scene.run(content)).counts).toMatchObject({ listed: 8, present: 6, copied: 2 })
    scene.requireStored([...six, twin, body('five')])
  })

  it('SES-04 goes on where the last session was cut', async () => {
    await using scene = await Scene.start({ messages: asDrop(six), noUidl: true, cutEvery: 2 })
    expect((await scene.run({ ...content, attempts: 2 })).counts).toMatchObject({ listed: 6, copied: 6 })
    const sessions = scene.server.sessions.map(({ retrieved }) => retrieved)
    expect(sessions.slice(0, 3)).toEqual([
      ['u0', 'u1'],
      ['u2', 'u3'],
      ['u4', 'u5'],
    ])
    expect((await scene.run({ ...content, attempts: 2 })).counts).toMatchObject({ present: 6 })
    scene.requireStored(six)
  })

  it('trusts no number across a deletion between two sessions', async () => {
    await using scene = await Scene.start({
      messages: asDrop(six),
      noUidl: true,
      hooks: {
        RETR: ({ count }) => {
          if (count !== 4) return undefined
          scene.server.messages = asDrop(six.slice(1))
          return cutAfter(3)
        },
      },
    })
    expect(await scene.run(content)).toMatchObject({ status: 'ok', counts: { copied: 6 } })
    scene.requireStored(six)
  })

  it('has each message at each of two targets once, also where one was added later', async () => {
    await using scene = await Scene.start({ messages: asDrop(six), noUidl: true })
    await scene.run({ ...content, limit: 3, targets: 1 })
    expect((await scene.run(content)).counts).toMatchObject({ copied: 6 })
    scene.requireStored(six)
    expect((await scene.run(content)).counts).toMatchObject({ present: 6 })
  })

  it('LST-12 counts only where LIST shows as many messages as STAT', async () => {
    await using scene = await Scene.start({
      messages: asDrop(six),
      noUidl: true,
      hooks: { LIST: () => rewrite((reply) => reply.toString('latin1').replace(/^2 \d+\r\n/m, '')) },
    })
    expect(await scene.run(content)).toMatchObject({ status: 'incomplete', faults: [{ code: 'listing-incomplete' }] })
  })

  it('knows by their bytes what was copied while there were ids, and the other way round', async () => {
    await using scene = await Scene.start({ messages: asDrop(six) })
    await scene.run()
    expect((await scene.run(content)).counts).toMatchObject({ present: 6, copied: 0 })
    await using other = await Scene.start({ messages: asDrop(six) })
    await other.run(content)
    expect((await other.run()).counts).toMatchObject({ present: 6, copied: 0 })
    expect((await other.run()).counts).toMatchObject({ present: 6 })
    expect(other.asked).toEqual([])
  })

  it('LST-07 only a message without id is fetched again where the others have one', async () => {
    const hooks = { UIDL: () => rewrite((reply) => reply.toString('latin1').replaceAll(/^([25]) \S+/gm, '$1 ')) }
    await using scene = await Scene.start({ messages: asDrop(six), hooks })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 6 } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { present: 6 } })
    expect(scene.asked).toEqual(['u1', 'u4'])
    scene.requireStored(six)
  })
})
