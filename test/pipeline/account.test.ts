import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import { close, cutAfter, rewrite, send } from '../support/fake-actions.js'
import { body, ids, Scene } from './scene.js'

describe('an account', () => {
  it('brings every message to every target, then QUITs', async () => {
    await using scene = await Scene.start()
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 5, copied: 5, present: 0 }, faults: [] })
    expect(scene.one.stored).toEqual(ids)
    expect(scene.two.stored).toEqual(ids)
    expect(scene.server.sessions).toMatchObject([
      { quit: true, retrieved: ids },
      { quit: true, retrieved: [] },
    ])
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 5, copied: 0, present: 5 } })
    expect(scene.server.retrs('u1')).toBe(1)
  })

  it('asks first for what a dead run announced, in its order, each once, although the targets differ', async () => {
    await using scene = await Scene.start()
    await scene.deliver('one', 'u1', 'u2', 'u3')
    await scene.announce('one', 'u5', 'u4')
    await scene.deliver('two', 'u1')
    await scene.announce('two', 'u3', 'u2', 'u5')
    await scene.run()
    expect(scene.server.sessions.map(({ retrieved }) => retrieved)).toEqual([['u3', 'u2', 'u5', 'u4']])
    expect(scene.one.stored).toEqual(['u5', 'u4'])
    expect(scene.two.stored).toEqual(['u3', 'u2', 'u5', 'u4'])
  })

  it('keeps announced what only --limit holds back', async () => {
    await using scene = await Scene.start()
    await scene.announce('one', 'u2', 'u3', 'u4')
    expect((await scene.run({ limit: 2 })).counts).toMatchObject({ copied: 2, pending: 3 })
    expect(scene.one.stored).toEqual(['u2', 'u3'])
    const { announced } = await scene.ledger.load({ account: 'alice', target: 'one' })
    expect(announced.map(({ key }) => key)).toEqual(['u4'])
  })

  it('waits for nothing that the server no longer lists', async () => {
    await using scene = await Scene.start()
    await scene.announce('one', 'gone', 'u2')
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.one.stored).toEqual(['u2', 'u1', 'u3', 'u4', 'u5'])
  })

  it('RET-15 asks once more for a message that was refused, in another session', async () => {
    const RETR = ({ uidl, session }: { uidl: string | undefined; session: number }) =>
      uidl === 'u2' && session === 1 ? send('-ERR not now\r\n') : undefined
    await using scene = await Scene.start({ hooks: { RETR } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5, failed: 0 } })
    expect(scene.server.sessions.map(({ retrieved }) => retrieved)).toEqual([ids, ['u2']])
  })

  it('RET-15 names a message that stays refused; the others are copied', async () => {
    await using scene = await Scene.start({
      hooks: { RETR: ({ uidl }) => (uidl === 'u2' ? send('-ERR it is gone\r\n') : undefined) },
    })
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { copied: 4, failed: 1 } })
    expect(scene.server.retrs('u2')).toBe(2)
    expect(scene.events).toContainEqual(expect.objectContaining({ type: 'message.failed', key: 'u2' }))
    expect(scene.ledger.summaries).toMatchObject([{ failures: [{ key: 'u2', code: 'retr-refused' }] }])
  })

  it('RET-15, RET-16 reaches the others behind a row of refused messages', async () => {
    const twelve = Array.from({ length: 12 }, (_, index) => body(`number ${index}`))
    await using scene = await Scene.start({
      messages: twelve,
      hooks: { RETR: ({ uidl = '' }) => (Number(uidl.slice(1)) <= 8 ? send('-ERR no\r\n') : undefined) },
    })
    expect((await scene.run({ attempts: 5 })).counts).toMatchObject({ copied: 4, failed: 8 })
    expect(scene.one.stored).toEqual(['u9', 'u10', 'u11', 'u12'])
  })

  it('says so where messages are left and neither a lane nor a message knows why', async () => {
    await using scene = await Scene.start()
    await scene.announce('one', 'u1', 'u2')
    await scene.announce('two', 'u2', 'u1')
    const { status, faults, counts } = await scene.run({ attempts: 1 })
    expect({ status, left: counts.pending > 0 }).toEqual({ status: 'incomplete', left: true })
    expect(faults).toMatchObject([{ code: 'connection-lost' }])
  })

  it('keeps the failures that earlier runs recorded where it comes to no listing', async () => {
    await using scene = await Scene.start({ hooks: { greeting: () => close } })
    await scene.run({ attempts: 1 })
    expect(scene.ledger.summaries[0]).not.toHaveProperty('failures')
    expect(scene.ledger.summaries[0]).not.toHaveProperty('listing')
  })

  it('records what it listed and did not try, with sizes and the words of the server', async () => {
    await using scene = await Scene.start({
      hooks: { RETR: ({ uidl }) => (uidl === 'u2' ? send('-ERR it is "gone"\r\n') : undefined) },
    })
    const { counts } = await scene.run({ limit: 3 })
    const [summary] = scene.ledger.summaries
    expect(summary?.listing?.counts).toEqual(counts)
    expect(counts).toMatchObject({ listed: 5, copied: 2, failed: 1, pending: 2 })
    const [failure] = summary?.failures ?? []
    expect(failure).toMatchObject({ key: 'u2', size: body('two').length })
    expect(failure?.error).toContain('-ERR it is "gone"')
    for (let again = 0; again < 2; again++) {
      expect([...(summary?.listing?.untried ?? [])].map(({ key, state }) => `${key} ${state}`)).toEqual([
        'u4 pending',
        'u5 pending',
      ])
    }
  })

  it('LST-14 remembers how fast it fetched by what came, whatever the listing says', async () => {
    const many = Array.from({ length: 100 }, (_, index) => body(String(index)))
    await using scene = await Scene.start({
      messages: many,
      hooks: { LIST: () => rewrite((reply) => reply.toString('latin1').replaceAll(/^(\d+) \d+/gm, '$1 0')) },
    })
    await scene.run()
    const bytes = many.reduce((sum, { length }) => sum + length, 0)
    expect((await scene.ledger.recall('alice')).speed).toMatchObject({ messages: 100, bytes })
  })

  it('LST-14 holds no more than there is room for, whatever the listing says', async () => {
    const large = Array.from({ length: 30 }, (_, index) => body(`${index} ${'x'.repeat(50_000)}`))
    await using scene = await Scene.start({
      messages: large,
      hooks: { LIST: () => rewrite((reply) => reply.toString('latin1').replaceAll(/^(\d+) \d+/gm, '$1 1')) },
    })
    let held = 0
    const open = scene.one.open.bind(scene.one)
    scene.one.open = async (...args) => {
      const writer = await open(...args)
      const append = writer.append.bind(writer)
      return {
        ...writer,
        append: async (message) => {
          held = Math.max(
            held,
            scene.events.filter(({ type }) => type === 'message.fetched').length - scene.one.stored.length,
          )
          return append(message)
        },
      }
    }
    expect((await scene.run()).counts.copied).toBe(30)
    expect(held).toBeLessThan(15)
  })

  it('SES-05 leaves a message out on which two sessions died, and copies the others', async () => {
    await using scene = await Scene.start({
      hooks: { RETR: ({ uidl }) => (uidl === 'u3' ? cutAfter(5) : undefined) },
    })
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { copied: 4, failed: 1 } })
    expect(scene.server.retrs('u3')).toBe(2)
    expect(scene.ledger.summaries).toMatchObject([{ failures: [{ key: 'u3', code: 'breaks-session' }] }])
  })

  it('RET-18, SES-10 calls a message vanished that could not be fetched and is not listed any more', async () => {
    await using scene = await Scene.start({
      hooks: {
        RETR: ({ uidl }) => {
          if (uidl !== 'u3') return undefined
          scene.server.messages = scene.server.messages.filter((message) => message.uidl !== 'u3')
          return send('-ERR no such message\r\n')
        },
      },
    })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 4, vanished: 1, failed: 0 } })
  })

  it('SES-04 goes on as long as each session brings something, however often it is cut', async () => {
    await using scene = await Scene.start({ cutEvery: 1 })
    expect(await scene.run({ attempts: 2 })).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.server.sessions.filter(({ quit }) => quit).length).toBeLessThanOrEqual(1)
  })

  it('CON-09 gives up after the attempts of the plan, with longer and longer pauses', async () => {
    await using scene = await Scene.start({ hooks: { greeting: () => close } })
    expect(await scene.run({ attempts: 4 })).toMatchObject({ status: 'incomplete', counts: { listed: 0 } })
    expect(scene.server.sessions).toHaveLength(4)
    const pauses = scene.events.flatMap((event) => (event.type === 'retry' ? [event.delayMs] : []))
    expect(pauses).toEqual([1000, 2000, 4000])
  })

  it.each(['-ERR [AUTH] wrong password\r\n', '-ERR invalid credentials\r\n'])(
    'AUT-01 signs in once where the answer is clear: %j',
    async (answer) => {
      await using scene = await Scene.start({ hooks: { PASS: () => send(answer), AUTH: () => send(answer) } })
      expect(await scene.run()).toMatchObject({ status: 'failed', faults: [{ code: 'auth-failed' }] })
      expect(scene.server.sessions).toHaveLength(1)
    },
  )

  it('serves the other target where one stops, and does not QUIT', async () => {
    await using scene = await Scene.start()
    scene.two.beforeCommit = async () => {
      throw new Fault('disk-full', 'no space left')
    }
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { copied: 0, pending: 5 } })
    expect(scene.one.stored).toEqual(ids)
    expect(scene.server.lines).not.toContain('QUIT')
    scene.two.beforeCommit = async () => undefined
    scene.two.stored.length = 0
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.one.stored).toEqual(ids)
    expect(scene.two.stored).toEqual(ids)
  })

  it('opens a target again after a reason that passes', async () => {
    await using scene = await Scene.start()
    let commits = 0
    scene.two.beforeCommit = async () => {
      if (commits++ > 0) return
      scene.two.stored.length = 0
      throw new Fault('mbox-locked', 'another program holds the lock')
    }
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.two.stored).toEqual(ids)
    expect(scene.two.log).toEqual(['open fresh', 'close', 'open ', 'close'])
  })

  it('fails where the ledger does, without QUIT', async () => {
    await using scene = await Scene.start()
    scene.one.beforeCommit = async () => {
      scene.ledger.fail = new Fault('state-failed', 'the disk is full')
    }
    expect(await scene.run()).toMatchObject({ status: 'failed', counts: { copied: 0 } })
    expect(scene.server.lines).not.toContain('QUIT')
  })
})
