import { describe, expect, it } from 'vitest'
import { openSpool } from '../../src/files/spool.js'
import { quarantineName } from '../../src/pipeline/quarantine.js'
import { Fault } from '../../src/ports/fault.js'
import type { MessageKey } from '../../src/ports/message.js'
import { memoryMessage } from '../../src/sample/message.js'
import { close, send } from '../support/fake-actions.js'
import { temporaryFolder } from '../support/folder.js'
import type { MemoryTarget } from '../support/memory-ports.js'
import { body, ids, Scene } from './scene.js'

/** No second look at the server. */
const once = { source: { sessions: 'single' } }

const tooBig = new Fault('too-big', 'larger than the target takes')

function refuse(target: MemoryTarget, ...keys: string[]): void {
  target.refuse = (key) => (keys.includes(key) ? tooBig : undefined)
}

/** Whether each session ended with a QUIT. */
const quits = ({ server }: Scene): readonly boolean[] => server.sessions.map(({ quit }) => quit)

const failedEvents = ({ events }: Scene): readonly string[] =>
  events.flatMap((event) =>
    event.type === 'message.failed' ? [`${event.key} ${event.target} ${event.fault.code}: ${event.fault.message}`] : [],
  )

describe('a message that a target refuses for good', () => {
  it('is kept before QUIT, fails, and is offered by the next run without RETR', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    let keptAtQuit = 0
    scene.server.hooks = { QUIT: () => void (keptAtQuit = scene.quarantine.files.size) }
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { copied: 4, failed: 1, pending: 0 } })
    expect([keptAtQuit, quits(scene)]).toEqual([1, [true]])
    expect(String([...scene.quarantine.files.values()][0])).toBe(body('three'))
    expect(failedEvents(scene)).toEqual(['u3 two too-big: larger than the target takes'])
    expect(scene.ledger.summaries.at(-1)).toMatchObject({ failures: [{ key: 'u3', target: 'two', code: 'too-big' }] })

    refuse(scene.two)
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 5, copied: 1, present: 4, bytes: 25 } })
    expect(scene.two.stored).toEqual(['u1', 'u2', 'u4', 'u5', 'u3'])
    expect(scene.one.stored).toEqual(ids)
    expect(scene.server.retrs('u3')).toBe(1)
    expect(scene.quarantine.files.size).toBe(0)
    expect(await scene.ledger.kept('alice')).toEqual([])
    expect((await scene.run()).counts).toMatchObject({ copied: 0, present: 5 })
  })

  it('is refused again and stays: offered once a run, fetched never, written once', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    scene.two.refuse = (key) => (key === 'u3' ? new Fault('too-big', 'still too large') : undefined)
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { present: 4, failed: 1 } })
    expect(failedEvents(scene).at(-1)).toBe('u3 two too-big: still too large')
    expect(await scene.ledger.kept('alice')).toMatchObject([{ key: 'u3', target: 'two', error: 'still too large' }])
    expect(scene.server.retrs('u3')).toBe(1)
    expect(scene.quarantine.log).toEqual(['put'])
    expect(quits(scene)).toEqual([true, true])
  })

  it('shares one file among targets, which goes with the last of them', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.one, 'u3')
    refuse(scene.two, 'u3')
    await scene.run()
    expect(scene.quarantine.log).toEqual(['put'])
    refuse(scene.one)
    expect((await scene.run()).counts).toMatchObject({ present: 4, failed: 1 })
    expect([scene.one.stored.at(-1), scene.quarantine.files.size]).toEqual(['u3', 1])
    expect(failedEvents(scene).at(-1)).toBe('u3 two too-big: larger than the target takes')
    refuse(scene.two)
    expect((await scene.run()).counts).toMatchObject({ present: 4, copied: 1 })
    expect(scene.one.stored).toHaveLength(5)
    expect([scene.quarantine.files.size, scene.server.retrs('u3')]).toEqual([0, 1])
  })

  it('is delivered although the server no longer lists it, and is in no sum then', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    scene.server.messages = scene.server.messages.filter(({ uidl }) => uidl !== 'u3')
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { listed: 4, present: 4, failed: 0 } })
    expect(failedEvents(scene).at(-1)).toBe('u3 two too-big: larger than the target takes')
    expect(scene.ledger.summaries.at(-1)).toMatchObject({ failures: [{ key: 'u3', target: 'two', code: 'too-big' }] })
    refuse(scene.two)
    expect(await scene.run()).toMatchObject({ status: 'ok', faults: [], counts: { listed: 4, present: 4, copied: 0 } })
    expect(scene.two.stored.at(-1)).toBe('u3')
    expect(scene.quarantine.files.size).toBe(0)
  })

  it('has not vanished where a later session of the run lists it no more', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    scene.server.hooks = {
      RETR: ({ uidl }) => {
        if (uidl !== 'u5') return undefined
        scene.server.messages = scene.server.messages.filter((message) => message.uidl !== 'u3')
        return close
      },
    }
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { failed: 2, vanished: 0, copied: 3 } })
  })

  it('is not stored again where the ledger is rebuilt and a copy of it stands there', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    refuse(scene.two)
    const [{ sha256, size } = { sha256: '', size: 0 }] = await scene.ledger.kept('alice')
    const form = { digest: sha256, receipt: (where: string) => ({ key: 'u3', sha256, size, where, flags: [] }) }
    Object.assign(scene.two, {
      async *others() {
        yield { where: 'there', seen: 'there', digests: [sha256] }
      },
      forms: async (message: { sha256: string }) => (message.sha256 === sha256 ? [form] : []),
    })
    expect(await scene.run({ adopt: true })).toMatchObject({ status: 'ok', counts: { present: 5, copied: 0 } })
    expect(scene.two.stored).not.toContain('u3')
    expect(scene.events).toContainEqual({
      type: 'target.adopted',
      account: 'alice',
      target: 'two',
      messages: 1,
      others: 0,
    })
    expect([scene.quarantine.files.size, await scene.ledger.kept('alice')]).toEqual([0, []])
    expect(scene.asked).toEqual([])
  })

  it('is delivered although the server lets nobody in', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    refuse(scene.two)
    scene.server.hooks = { AUTH: () => send('-ERR [AUTH] no\r\n'), PASS: () => send('-ERR [AUTH] no\r\n') }
    expect(await scene.run()).toMatchObject({ status: 'failed', faults: [{ code: 'auth-failed' }] })
    expect([scene.two.stored.at(-1), scene.quarantine.files.size]).toEqual(['u3', 0])
  })

  it('is fetched for a target that stopped meanwhile, and not offered to the one it is kept for', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    scene.one.beforeCommit = async () => {
      throw new Fault('disk-full', 'no space left')
    }
    expect((await scene.run()).counts).toMatchObject({ failed: 1, pending: 4 })
    expect(quits(scene)).toEqual([false])
    scene.one.beforeCommit = async () => undefined
    scene.one.stored.length = 0
    expect((await scene.run()).counts).toMatchObject({ copied: 4, failed: 1 })
    expect(scene.one.stored).toEqual(ids)
    expect(scene.two.stored).toEqual(['u1', 'u2', 'u4', 'u5'])
    expect([quits(scene), scene.server.retrs('u3')]).toEqual([[false, true], 2])
  })

  it('stays in the sums as failed where its target cannot be opened', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    scene.two.open = async () => {
      throw new Fault('target-gone', 'not there')
    }
    expect((await scene.run()).counts).toMatchObject({ present: 4, failed: 1 })
    expect(failedEvents(scene).at(-1)).toBe('u3 two too-big: larger than the target takes')
  })

  it('is not safe where it cannot be kept: no QUIT, and the reason is told', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    scene.quarantine.fail = new Fault('spool-full', 'no space left for the state')
    const { counts, faults } = await scene.run()
    expect(counts).toMatchObject({ copied: 4, failed: 1 })
    expect(faults).toMatchObject([{ code: 'spool-full' }, { code: 'too-big' }])
    expect(quits(scene)).toEqual([false])
    expect(await scene.ledger.kept('alice')).toEqual([])
    scene.quarantine.fail = undefined
    expect((await scene.run()).counts).toMatchObject({ present: 4, failed: 1 })
    expect([quits(scene), scene.server.retrs('u3')]).toEqual([[false, true], 2])
  })

  it('waits for what a dead run announced', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    refuse(scene.two)
    scene.server.messages = [...scene.server.messages, ...six]
    await scene.announce('two', 'u6')
    expect((await scene.run()).counts).toMatchObject({ copied: 2, present: 4 })
    expect(scene.two.stored.slice(-2)).toEqual(['u6', 'u3'])
    expect((await scene.ledger.load({ account: 'alice', target: 'two' })).announced).toEqual([])
  })

  it('goes first where a run died while it delivered it', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    refuse(scene.two)
    scene.server.messages = [...scene.server.messages, ...six]
    await scene.announce('two', 'u3', 'gone')
    expect((await scene.run()).counts).toMatchObject({ copied: 2, present: 4 })
    expect(scene.two.stored.slice(-2)).toEqual(['u3', 'u6'])
    const { announced } = await scene.ledger.load({ account: 'alice', target: 'two' })
    expect(announced.map(({ key }) => key)).toEqual(['gone'])
  })
})

const six = [memoryMessage('u6', Buffer.from(body('six')))]

describe('a file of the quarantine', () => {
  it.each<[string, (bytes: Buffer) => Buffer | undefined]>([
    ['missing', () => undefined],
    ['changed', (bytes) => Buffer.from(String(bytes).replace('three', 'thrEe'))],
    ['cut', (bytes) => bytes.subarray(1)],
    ['longer', (bytes) => Buffer.concat([bytes, bytes])],
  ])('%s: never delivered, fetched again, and kept until the server lists it', async (_, damage) => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    const [[name, bytes] = ['', Buffer.alloc(0)]] = scene.quarantine.files
    const damaged = damage(bytes)
    if (damaged) scene.quarantine.files.set(name, damaged)
    else scene.quarantine.files.delete(name)
    const { messages } = scene.server
    scene.server.messages = messages.filter(({ uidl }) => uidl !== 'u3')
    refuse(scene.two)
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { present: 4, failed: 0 } })
    expect(failedEvents(scene).at(-1)).toMatch(/^u3 two quarantine-damaged: .*[.]eml/)
    expect(scene.two.stored).not.toContain('u3')
    scene.server.messages = messages
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 1, present: 4 } })
    expect([scene.server.retrs('u3'), scene.quarantine.files.size]).toEqual([2, 0])
  })

  it('is replaced where the message is fetched again and refused again', async () => {
    await using scene = await Scene.start(once)
    refuse(scene.two, 'u3')
    await scene.run()
    const [name = ''] = scene.quarantine.files.keys()
    scene.quarantine.files.set(name, Buffer.from('damaged'))
    expect((await scene.run()).counts).toMatchObject({ present: 4, failed: 1 })
    expect(String(scene.quarantine.files.get(name))).toBe(body('three'))
    expect(failedEvents(scene).at(-1)).toBe('u3 two too-big: larger than the target takes')
    expect(quits(scene)).toEqual([true, true])
  })

  it('is streamed where the message is large, and the budget is respected', async () => {
    const large = ['a', 'b', 'c'].map((word) => body(`${word} ${'x'.repeat(1_500_000)}`))
    await using scene = await Scene.start({ ...once, messages: large })
    await using folder = await temporaryFolder()
    scene.spool = await openSpool(folder.path)
    const keys = ['u1', 'u2', 'u3']
    refuse(scene.one, ...keys)
    refuse(scene.two, ...keys)
    expect((await scene.run()).counts).toMatchObject({ failed: 3 })
    expect(scene.quarantine.files.size).toBe(3)
    refuse(scene.one)
    refuse(scene.two)
    const held: boolean[] = []
    const look = async (): Promise<void> => void held.push(scene.budget.fits(1))
    scene.one.beforeCommit = look
    scene.two.beforeCommit = look
    expect((await scene.run()).counts).toMatchObject({ copied: 3 })
    expect(held).toHaveLength(6)
    expect(held).not.toContain(true)
    expect(scene.budget.fits(1_000_000)).toBe(true)
    expect([scene.one.stored, scene.two.stored]).toEqual([keys, keys])
  })

  it('has a name of digests, which no server writes and no two messages share', () => {
    const name = (origin: string, key: string, sha256 = 'ab'.repeat(32)): string =>
      quarantineName(origin, { key: key as MessageKey, sha256 })
    const names = [name('a', 'x'), name('a', '../x'), name('ax', ''), name('', 'ax'), name('a', 'x', 'cd'.repeat(32))]
    expect(new Set(names).size).toBe(5)
    for (const one of names) expect(one).toMatch(/^[0-9a-f]{32}-[0-9a-f]{32}[.]eml$/)
  })
})
