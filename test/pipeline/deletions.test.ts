import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { close, cutAfter, rewrite, send, silently } from '../support/fake-actions.js'
import type { Hook } from '../support/fake-dialogue.js'
import { MemorySpool } from '../support/memory-spool.js'
import { body, ids, Scene } from './scene.js'

const deleting = { deleteAfter: 0 }

function left({ server }: Scene): readonly string[] {
  return server.messages.map(({ uidl }) => uidl)
}

function deleted({ server }: Scene): number {
  return server.lines.filter((line) => line.startsWith('DELE')).length
}

/** A message of its own with this id. */
function message(uidl: string, text: string): SampleMessage {
  return memoryMessage(uidl, Buffer.from(body(text)))
}

describe('deletion after the copy (CONTRACT, guarantee 1)', () => {
  it('happens in the session of the copy, when every copy was read back, and a later listing confirms it', async () => {
    await using scene = await Scene.start()
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { listed: 5, copied: 5, deleted: 5 } })
    expect(left(scene)).toEqual([])
    expect(scene.server.sessions).toHaveLength(2)
    for (const target of [scene.one, scene.two]) {
      expect(target.log.filter((line) => line.startsWith('read'))).toEqual(ids.map((id) => `read ${id}`))
    }
    expect(scene.ledger.deletions.log).toEqual([
      `prove one ${ids.join(' ')}`,
      `prove two ${ids.join(' ')}`,
      `request ${ids.join(' ')}`,
      `gone ${ids.join(' ')}`,
    ])
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { listed: 0, deleted: 0 } })
  })

  it('never happens without the rule, in a dry run or with --limit', async () => {
    await using scene = await Scene.start()
    await scene.run({ ...deleting, limit: 2 })
    await scene.run()
    await scene.run({ ...deleting, dryRun: true })
    expect(deleted(scene)).toBe(0)
    expect(left(scene)).toEqual(ids)
  })

  it('DEL-06 spares what one target lacks', async () => {
    await using scene = await Scene.start()
    scene.two.refuse = (key) => (key === 'u3' ? new Fault('too-big', 'no') : undefined)
    expect((await scene.run(deleting)).counts).toMatchObject({ copied: 4, failed: 1, deleted: 4 })
    expect(left(scene)).toEqual(['u3'])
    scene.two.refuse = () => undefined
    expect((await scene.run(deleting)).counts).toMatchObject({ deleted: 1 })
  })

  it.each(['missing', 'altered'] as const)('spares what is %s when it is read back, and says so', async (state) => {
    await using scene = await Scene.start()
    scene.two.states.set('u2', state)
    const result = await scene.run(deleting)
    expect(result).toMatchObject({ counts: { copied: 5, deleted: 4 }, faults: [{ code: 'copy-unproven' }] })
    expect(left(scene)).toEqual(['u2'])
    scene.two.states.clear()
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { present: 1, deleted: 1 } })
  })

  it('waits for what is only staged', async () => {
    await using scene = await Scene.start()
    for (const id of ids) scene.two.states.set(id, 'staged')
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 5, deleted: 0 } })
    expect(deleted(scene)).toBe(0)
    scene.two.states.clear()
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { present: 5, deleted: 5 } })
  })

  it('happens in the same run where the end of the lane brings it to its place', async () => {
    await using scene = await Scene.start()
    for (const id of ids) scene.two.states.set(id, 'staged')
    const open = scene.two.open.bind(scene.two)
    scene.two.open = async (lane, progress) => {
      const writer = await open(lane, progress)
      const dispose = async (): Promise<void> => {
        scene.two.states.clear()
        await writer[Symbol.asyncDispose]()
      }
      return { ...writer, [Symbol.asyncDispose]: dispose }
    }
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 5, deleted: 5 } })
  })

  it('counts what a mail reader does later for nothing: one proof is enough', async () => {
    await using scene = await Scene.start({ hooks: { DELE: ({ count }) => (count === 1 ? close : undefined) } })
    await scene.run({ ...deleting, attempts: 1 })
    expect(left(scene)).toEqual(ids)
    for (const id of ids) scene.one.states.set(id, 'missing')
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { present: 5, deleted: 5 } })
  })

  it('spares two messages with one id', async () => {
    const messages = [message('a', 'one'), message('twice', 'two'), message('twice', 'three')]
    await using scene = await Scene.start({ messages })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 3, deleted: 1 } })
    expect(left(scene)).toEqual(['twice', 'twice'])
  })

  it('spares a message that arrived shorter than listed', async () => {
    const messages = ids.map((id, index) => message(id, 'x'.repeat(10 * index + 10)))
    const size = messages[1]?.size ?? 0
    await using scene = await Scene.start({
      messages,
      hooks: { LIST: () => rewrite((reply) => reply.toString().replace(` ${size}\r`, ' 2100\r')) },
    })
    scene.spool = new MemorySpool()
    expect((await scene.run(deleting)).counts).toMatchObject({ copied: 5, deleted: 4 })
    expect(left(scene)).toEqual(['u2'])
    expect((await scene.run(deleting)).counts).toMatchObject({ deleted: 0 })
  })

  it('spares everything while a target is out of reach, whatever it had', async () => {
    await using scene = await Scene.start({ hooks: { DELE: () => close } })
    await scene.run({ ...deleting, attempts: 1 })
    scene.server.hooks = {}
    const open = scene.two.open.bind(scene.two)
    scene.two.open = async () => {
      throw new Fault('target-gone', 'not mounted')
    }
    await scene.run(deleting)
    expect(left(scene)).toEqual(ids)
    scene.two.open = open
    expect((await scene.run(deleting)).counts).toMatchObject({ deleted: 5 })
  })

  it('spares the survivor of two messages that shared an id', async () => {
    const messages = [message('twice', 'one'), message('twice', 'two')]
    await using scene = await Scene.start({ messages })
    await scene.run()
    scene.server.messages = messages.slice(1)
    expect((await scene.run(deleting)).counts).toMatchObject({ deleted: 0 })
    expect(left(scene)).toEqual(['twice'])
  })

  it('commits nothing at the server that the ledger could not record', async () => {
    await using scene = await Scene.start()
    const { deletions } = scene.ledger
    const request = deletions.request.bind(deletions)
    deletions.request = async () => {
      throw new Fault('state-failed', 'no space left')
    }
    expect(await scene.run(deleting)).toMatchObject({ faults: [{ code: 'state-failed' }] })
    expect(scene.server.lines).not.toContain('QUIT')
    expect(left(scene)).toEqual(ids)
    deletions.request = request
    expect((await scene.run(deleting)).counts).toMatchObject({ present: 5, deleted: 5 })
  })

  it('spares a message that has grown since it was copied', async () => {
    await using scene = await Scene.start({ messages: [message('u1', 'cut')] })
    await scene.run()
    scene.server.messages = [memoryMessage('u1', Buffer.from('Subject: cut\r\n\r\ncut, and the rest of it\r\n'))]
    await scene.run(deleting)
    expect(left(scene)).toEqual(['u1'])
  })
})

describe('an interrupt', () => {
  it('DEL-08 between DELE and QUIT commits nothing', async () => {
    const stop = new AbortController()
    await using scene = await Scene.start({
      hooks: {
        DELE: ({ count }) => {
          if (count === 3) stop.abort()
        },
      },
    })
    await scene.run({ ...deleting, signal: stop.signal })
    expect(scene.server.lines).not.toContain('QUIT')
    expect(left(scene)).toEqual(ids)
    expect((await scene.run(deleting)).counts).toMatchObject({ present: 5, deleted: 5 })
  })
})

describe('servers that do otherwise', () => {
  it('DEL-01 a cut before the QUIT: nothing was deleted, and the same run tries again', async () => {
    await using scene = await Scene.start({ hooks: { DELE: ({ count }) => (count === 3 ? cutAfter(0) : undefined) } })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 5, deleted: 5 } })
    expect(ids.every((id) => scene.server.retrs(id) === 1)).toBe(true)
  })

  it('DEL-03 a QUIT that fails: what the next listing lacks was deleted, the next run asks for the rest', async () => {
    await using scene = await Scene.start({
      hooks: {
        QUIT: ({ count }) => {
          if (count > 1) return undefined
          scene.server.messages = scene.server.messages.slice(3)
          return [send('-ERR some messages were not removed\r\n'), close]
        },
      },
    })
    const { counts } = await scene.run(deleting)
    expect(counts).toMatchObject({ copied: 5, deleted: 3 })
    expect(left(scene)).toEqual(['u4', 'u5'])
    expect((await scene.run(deleting)).counts).toMatchObject({ listed: 2, present: 2, copied: 0, deleted: 2 })
  })

  it('DEL-03 a QUIT whose answer is lost', async () => {
    await using scene = await Scene.start({
      hooks: { QUIT: ({ count }) => (count === 1 ? [silently, close] : undefined) },
    })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 5, deleted: 5 } })
  })

  it('DEL-04 a server that agrees and keeps the messages: told, never copied again, asked again by the next run', async () => {
    await using scene = await Scene.start({ hooks: { DELE: () => send('+OK\r\n') } })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 5, deleted: 0 } })
    expect(scene.events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'delete-ignored' }])
    scene.server.hooks = {}
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { present: 5, copied: 0, deleted: 5 } })
    expect(scene.one.stored).toEqual(ids)
  })

  it('DEL-02 a refused DELE is told, and the others are deleted', async () => {
    await using scene = await Scene.start({
      hooks: { DELE: ({ uidl }) => (uidl === 'u2' ? send('-ERR read only\r\n') : undefined) },
    })
    const result = await scene.run(deleting)
    expect(result).toMatchObject({ counts: { copied: 5, deleted: 4 }, faults: [{ code: 'delete-refused' }] })
    expect(left(scene)).toEqual(['u2'])
  })

  it('DEL-11 deletes in batches with a QUIT each', async () => {
    const messages = Array.from({ length: 450 }, (_, index) => message(`m${index}`, `text ${index}`))
    await using scene = await Scene.start({ messages })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 450, deleted: 450 } })
    const deletes = scene.server.sessions.map(({ lines }) => lines.filter((line) => line.startsWith('DELE')).length)
    expect(deletes).toEqual([200, 200, 50, 0])
  })

  it('LST-20 an id that is used again after its deletion is another message: copied, not deleted unseen', async () => {
    await using scene = await Scene.start({ messages: [message('1', 'first')] })
    await scene.run(deleting)
    scene.server.messages = [message('1', 'other')]
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { listed: 1, copied: 1, deleted: 1 } })
    scene.requireStored([body('first'), body('other')])
    // Of the same size, and before anybody could see that the first one was gone.
    scene.server.messages = [message('1', 'third')]
    scene.server.hooks = {
      QUIT: ({ count }) => {
        if (count === 1) return undefined
        scene.server.messages = [message('1', 'forth')]
        return undefined
      },
    }
    await scene.run(deleting)
    scene.server.hooks = {}
    await scene.run(deleting)
    scene.requireStored([body('first'), body('other'), body('third'), body('forth')])
  })

  it('DEL-09 a server that deletes also without QUIT, and uses the id again: the other message is copied', async () => {
    await using scene = await Scene.start({ messages: [message('1', 'first'), message('2', 'other')] })
    scene.server.hooks = {
      DELE: ({ count }) => {
        if (count === 1) return undefined
        scene.server.messages = [message('1', 'third')]
        return close
      },
    }
    await scene.run({ ...deleting, attempts: 1 })
    scene.server.hooks = {}
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { listed: 1, copied: 1 } })
    scene.requireStored([body('first'), body('other'), body('third')])
  })

  it('a windowed maildrop with a long pause between sign-ins is drained although each window is deleted', async () => {
    const messages = Array.from({ length: 25 }, (_, index) => message(`m${index}`, `text ${index}`))
    await using scene = await Scene.start({ messages, window: 10, source: { signInEvery: '5m' } })
    await scene.ledger.remember('alice', { windowed: true })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { listed: 25, copied: 25 } })
    expect(left(scene)).toEqual([])
  })

  it('a maildrop that we emptied has not come back with new ids when new mail comes', async () => {
    await using scene = await Scene.start({
      messages: Array.from({ length: 30 }, (_, i) => message(`a${i}`, `old ${i}`)),
    })
    await scene.run(deleting)
    // The same bytes as a message that was deleted: a message of its own all the same.
    scene.server.messages = [message('b1', 'old 7'), message('b2', 'new')]
    const result = await scene.run({ ...deleting, source: { onUidlReset: 'stop' } })
    expect(result).toMatchObject({ status: 'ok', counts: { listed: 2, copied: 2, reidentified: 0, deleted: 2 } })
    expect(scene.one.stored).toHaveLength(32)
  })

  it('a windowed maildrop: deleted in the session of the fetch, and nobody can confirm it', async () => {
    const messages = Array.from({ length: 25 }, (_, index) => message(`m${index}`, `text ${index}`))
    await using scene = await Scene.start({ messages, window: 10 })
    await scene.ledger.remember('alice', { windowed: true })
    expect(await scene.run(deleting)).toMatchObject({ status: 'ok', counts: { copied: 25, deleted: 0 } })
    expect(left(scene)).toEqual([])
  })

  it('a server that keeps what it agreed to delete and then renumbers: nothing is stored twice', async () => {
    const texts = Array.from({ length: 30 }, (_, index) => `text ${index}`)
    await using scene = await Scene.start({
      messages: texts.map((text, index) => message(`a${index}`, text)),
      hooks: { DELE: () => send('+OK\r\n') },
    })
    await scene.run(deleting)
    scene.server.messages = texts.map((text, index) => message(`b${index}`, text))
    expect((await scene.run(deleting)).counts).toMatchObject({ listed: 30, copied: 0, reidentified: 30 })
    expect(scene.one.stored).toHaveLength(30)
  })

  const cut: Hook = ({ count }) => (count === 40 ? cutAfter(0) : undefined)
  const refuse: Hook = ({ uidl }) => (uidl === 'b9' ? send('-ERR no\r\n') : undefined)
  it.each([
    ['is cut off', cut],
    ['does not get one of them', refuse],
  ])('the same where a session %s: what was not recognised yet does not count as deleted', async (_, onRetr) => {
    const texts = Array.from({ length: 30 }, (_, index) => `text ${index}`)
    await using scene = await Scene.start({
      messages: texts.map((text, index) => message(`a${index}`, text)),
      hooks: { DELE: () => send('+OK\r\n') },
    })
    await scene.run(deleting)
    scene.server.messages = texts.map((text, index) => message(`b${index}`, text))
    scene.server.hooks = { RETR: onRetr, DELE: () => send('+OK\r\n') }
    expect((await scene.run(deleting)).counts).toMatchObject({ listed: 30, copied: 0, deleted: 0 })
    scene.server.hooks = {}
    expect((await scene.run(deleting)).counts).toMatchObject({ listed: 30, copied: 0, deleted: 30 })
    expect(scene.one.stored).toHaveLength(30)
    expect(left(scene)).toEqual([])
  })

  it('nothing is deleted where listed sizes mean nothing, not by later runs either, unless the plan ignores sizes', async () => {
    const messages = Array.from({ length: 25 }, (_, index) => message(`m${index}`, `text ${index}`))
    await using scene = await Scene.start({
      messages,
      hooks: { LIST: () => send(`+OK\r\n${messages.map((_, index) => `${index + 1} 4096`).join('\r\n')}\r\n.\r\n`) },
    })
    scene.spool = new MemorySpool()
    await scene.run(deleting)
    await scene.run(deleting)
    expect(deleted(scene)).toBe(0)
    const { counts } = await scene.run({ ...deleting, source: { sizes: 'ignore' } })
    expect(counts).toMatchObject({ present: 25 })
    // The first of them was stored as one that is short, before anybody knew.
    const flagged = new Set(scene.events.flatMap((event) => (event.type === 'message.flagged' ? event.key : []))).size
    expect(deleted(scene)).toBe(25 - flagged)
    expect(flagged).toBeLessThanOrEqual(1)
  })
})
