import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { AccountResult } from '../../src/pipeline/account-job.js'
import type { Event } from '../../src/ports/event.js'
import { Fault } from '../../src/ports/fault.js'
import { close } from '../support/fake-actions.js'
import { body, ids, Scene } from './scene.js'

const five = ['one', 'two', 'three', 'four', 'five'].map((word) => body(word))
const minutes = 60_000

/** A door that a target stands before until somebody opens it. */
class Door {
  reached = false
  #open: () => void = () => undefined
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve))

  async pass(): Promise<void> {
    this.reached = true
    await this.#opened
  }

  open(): void {
    this.#open()
  }
}

const stops = (events: readonly Event[]): readonly object[] =>
  events.filter(({ type }) => type === 'target.stopped').map((event) => event)

async function until(what: () => boolean): Promise<void> {
  for (let turns = 0; !what(); turns++) {
    if (turns > 2000) throw new Error('it never came to that')
    await sleep(1)
  }
}

/** Lets time pass once the target stands before the door. Messages grow old in an instant: a second or two have passed. */
async function passAt(door: Door, scene: Scene, ms: number): Promise<void> {
  await until(() => door.reached)
  await sleep(20)
  scene.clock.pass(ms)
  await sleep(20)
}

describe('a lane that stands still while others wait', () => {
  it('is left behind after 30 s, the other goes on, and it catches up in the same run', async () => {
    await using scene = await Scene.start()
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    const running = scene.run()
    await passAt(door, scene, 26_000)
    expect(stops(scene.events)).toEqual([])
    scene.clock.pass(4_000)
    await until(() => stops(scene.events).length > 0)
    expect(stops(scene.events)).toMatchObject([{ target: 'two', fault: { code: 'lagging', transient: true } }])
    expect(scene.one.stored).toEqual(ids)
    door.open()
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 }, faults: [] })
    scene.requireStored(five)
    expect(scene.two.log.filter((line) => line.startsWith('open'))).toHaveLength(2)
  })

  it('keeps no memory from the others', async () => {
    // Room for two messages at once.
    await using scene = await Scene.start({ memory: 100 })
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    const running = scene.run()
    await until(() => door.reached)
    await sleep(20)
    expect(scene.one.stored.length).toBeLessThan(5)
    await passAt(door, scene, 30_000)
    await until(() => scene.one.stored.length === 5)
    door.open()
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    scene.requireStored(five)
    expect(scene.budget.fits(100)).toBe(true)
  })

  it('ends the run incomplete, for a reason that passes, where it never comes to an end; the next run brings the rest', async () => {
    await using scene = await Scene.start()
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    const running = scene.run()
    await passAt(door, scene, 30_000)
    await until(() => stops(scene.events).length > 0)
    let ended: AccountResult | undefined
    void running.then((result) => (ended = result))
    for (let waited = 0; !ended; waited++) {
      expect(waited).toBeLessThan(100)
      await sleep(5)
      scene.clock.pass(minutes)
    }
    expect(ended).toMatchObject({ status: 'incomplete', counts: { copied: 0, pending: 5 } })
    expect(ended.faults).toMatchObject([{ code: 'lagging', transient: true }])
    expect(scene.one.stored).toEqual(ids)
    // Long after the run it answers: that changes nothing that is told of it.
    const { length } = scene.events
    door.open()
    await sleep(5)
    expect(scene.events).toHaveLength(length)
    expect(await scene.run()).toMatchObject({ status: 'ok' })
    scene.requireStored(five)
  })

  it('fails for what its target says in the end', async () => {
    await using scene = await Scene.start()
    const door = new Door()
    scene.two.beforeCommit = async () => {
      await door.pass()
      throw new Fault('disk-full', 'full')
    }
    const running = scene.run()
    await passAt(door, scene, 30_000)
    await until(() => stops(scene.events).length > 0)
    door.open()
    expect((await running).faults).toMatchObject([{ code: 'disk-full' }])
    expect(scene.one.stored).toEqual(ids)
  })

  it('is not left behind as long as it gets on', async () => {
    await using scene = await Scene.start()
    let appended = 0
    const doors = Array.from({ length: 5 }, () => new Door())
    scene.two.beforeAppend = async () => doors[appended++]?.pass()
    const running = scene.run()
    for (const door of doors) {
      await passAt(door, scene, 26_000)
      door.open()
    }
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(stops(scene.events)).toEqual([])
  })

  it('stops an account whose server hides what was fetched, until it is back', async () => {
    await using scene = await Scene.start({ source: { provider: 'gmail' } })
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    const running = scene.run()
    await passAt(door, scene, 30_000)
    await until(() => stops(scene.events).length > 0)
    await sleep(20)
    expect(scene.server.sessions.filter(({ quit }) => quit)).toEqual([])
    door.open()
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    scene.requireStored(five)
  })
})

describe('a lane that was left behind and is idle again', () => {
  it('has its time to open for the next session, and takes part in it', async () => {
    await using scene = await Scene.start({ memory: 100 })
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    scene.server.hooks = {
      RETR: async ({ uidl, session }) => {
        if (uidl !== 'u5' || session > 1) return undefined
        door.open()
        await sleep(20)
        scene.two.beforeOpen = async () => sleep(20)
        return close
      },
    }
    const running = scene.run()
    await passAt(door, scene, 30_000)
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    // More than what the other one lacks.
    expect(scene.server.sessions[1]?.retrieved.length).toBeGreaterThan(1)
    expect(stops(scene.events)).toHaveLength(1)
    scene.requireStored(five)
  })

  it('is told of once, and for the same reason, where its old batch is still in hand', async () => {
    await using scene = await Scene.start({ memory: 100 })
    const door = new Door()
    scene.two.beforeCommit = async () => door.pass()
    scene.server.hooks = { RETR: ({ uidl, session }) => (uidl === 'u5' && session === 1 ? close : undefined) }
    const running = scene.run()
    await passAt(door, scene, 30_000)
    await until(() => scene.one.stored.length === 5)
    expect(stops(scene.events)).toMatchObject([{ fault: { message: 'nothing has moved for 30 s' } }])
    door.open()
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(stops(scene.events)).toHaveLength(1)
    scene.requireStored(five)
  })
})

describe('a target that does not open', () => {
  it('is not waited for longer than a minute, and takes part once it is ready', async () => {
    await using scene = await Scene.start()
    const door = new Door()
    scene.two.beforeOpen = async () => door.pass()
    const running = scene.run()
    await passAt(door, scene, minutes)
    await until(() => scene.one.stored.length === 5)
    expect(stops(scene.events)).toMatchObject([{ target: 'two', fault: { code: 'lagging' } }])
    door.open()
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 }, faults: [] })
    scene.requireStored(five)
  })

  it('is waited for as long as it gets on', async () => {
    await using scene = await Scene.start()
    const doors = Array.from({ length: 5 }, () => new Door())
    scene.two.beforeOpen = async (gotOn) => {
      for (const door of doors) {
        await door.pass()
        gotOn()
      }
    }
    const running = scene.run()
    for (const door of doors) {
      await passAt(door, scene, minutes - 1)
      door.open()
    }
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(stops(scene.events)).toEqual([])
    scene.requireStored(five)
  })

  it('does not hold up a second attempt either', async () => {
    const RETR = ({ uidl, session }: { uidl: string | undefined; session: number }) =>
      uidl === 'u3' && session === 1 ? close : undefined
    await using scene = await Scene.start({ hooks: { RETR } })
    const door = new Door()
    scene.two.beforeOpen = async () => door.pass()
    const running = scene.run()
    await passAt(door, scene, minutes)
    await until(() => scene.one.stored.length === 5)
    door.open()
    expect(await running).toMatchObject({ status: 'ok' })
    scene.requireStored(five)
  })
})

it('nothing is read back from a target that hangs, for another one that lacks it', async () => {
  await using scene = await Scene.start()
  await scene.deliver('one', 'gone')
  const door = new Door()
  scene.one.beforeOpen = async () => door.pass()
  Object.assign(scene.one, {
    async *contents() {
      await door.pass()
      yield* []
    },
  })
  const running = scene.run()
  let ended: AccountResult | undefined
  void running.then((result) => (ended = result))
  await until(() => door.reached)
  for (let waited = 0; !ended; waited++) {
    expect(waited).toBeLessThan(100)
    await sleep(5)
    scene.clock.pass(minutes)
  }
  expect(ended).toMatchObject({ status: 'incomplete', faults: [{ code: 'lagging' }] })
  expect(scene.two.stored).toEqual(ids)
  door.open()
})

describe('a lane that nobody waits for', () => {
  it('is not given up at its end as long as it gets on, as with the last part of an archive', async () => {
    await using scene = await Scene.start()
    const doors = Array.from({ length: 3 }, () => new Door())
    const open = scene.two.open.bind(scene.two)
    scene.two.open = async (lane, progress, signal, gotOn) => {
      const writer = await open(lane, progress, signal, gotOn)
      const seal = async function* (last: boolean): AsyncIterable<never> {
        for (const door of last ? doors : []) {
          await door.pass()
          gotOn?.()
        }
        yield* []
      }
      return { ...writer, seal }
    }
    const running = scene.run()
    for (const door of doors) {
      await passAt(door, scene, 14 * minutes)
      door.open()
    }
    expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 }, faults: [] })
    expect(stops(scene.events)).toEqual([])
  })

  it('has 15 minutes, and none where its target counts the time itself', async () => {
    for (const bounded of [false, true]) {
      await using scene = await Scene.start()
      Object.assign(scene.one, { bounded })
      const door = new Door()
      scene.one.beforeCommit = async () => door.pass()
      const running = scene.run({ targets: 1 })
      await passAt(door, scene, 14 * minutes)
      expect(stops(scene.events)).toEqual([])
      await passAt(door, scene, 2 * minutes)
      expect(stops(scene.events)).toHaveLength(bounded ? 0 : 1)
      door.open()
      expect(await running).toMatchObject({ status: 'ok', counts: { copied: 5 } })
      expect(scene.one.stored).toEqual(ids)
    }
  })
})
