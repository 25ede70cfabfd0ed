import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/ports/event.js'
import { send } from '../support/fake-actions.js'
import type { FakeOptions } from '../support/fake-pop3-server.js'
import { gmail } from '../support/providers.js'
import { body, Scene } from './scene.js'

const signInEvery = (text: string): { readonly source: object } => ({ source: { signInEvery: text } })

function pauses({ events }: Scene): readonly number[] {
  return events.flatMap((event: Event) => (event.type === 'retry' ? [event.delayMs] : []))
}

/** Between the sign-ins, by the clock of the test, in seconds. */
async function start(options: FakeOptions & { readonly source?: object }): Promise<Scene & { at: number[] }> {
  const scene = await Scene.start(options)
  const at: number[] = []
  scene.server.hooks = { AUTH: () => void at.push(scene.clock.monotonic() / 1000), ...options.hooks }
  return Object.assign(scene, { at })
}

describe('sign-ins keep their distance (QUIRKS SES-03)', () => {
  it.each([
    ['signInEvery', signInEvery('10s')],
    ['LOGIN-DELAY', { capabilities: ['LOGIN-DELAY 10'] }],
    ['LOGIN-DELAY of this user', { capabilities: ['LOGIN-DELAY 10 USER'] }],
    ['the longer of both', { ...signInEvery('3s'), capabilities: ['LOGIN-DELAY 10'] }],
  ])('%s, when the server hangs up again and again', async (_, options) => {
    await using scene = await start({ cutEvery: 2, ...options })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.at.length).toBeGreaterThan(2)
    expect(scene.at.slice(1).every((time, index) => time - (scene.at[index] ?? 0) >= 10)).toBe(true)
    const codes = scene.events.flatMap((event) => (event.type === 'retry' ? [event.fault.code] : []))
    expect(codes).toContain('throttled')
  })

  it('keeps it from one run to the next', async () => {
    await using scene = await start(signInEvery('10s'))
    await scene.run()
    const last = scene.at.at(-1) ?? 0
    await scene.run()
    expect(scene.at.at(-1)).toBeGreaterThanOrEqual(last + 10)
  })

  it('does not wait where enough time has passed', async () => {
    await using scene = await start({ capabilities: ['LOGIN-DELAY 10'] })
    await scene.run()
    await scene.clock.sleep(60_000)
    const before = pauses(scene).length
    await scene.run()
    expect(pauses(scene)).toHaveLength(before)
  })

  it('PRC-04 waits once more where the clock went back, not until it has caught up', async () => {
    await using scene = await start(signInEvery('10s'))
    await scene.ledger.remember('alice', { signedInAt: scene.clock.now() + 86_400_000 })
    await scene.run()
    expect(scene.at[0]).toBe(10)
  })

  it('ends with the time at which it can go on where that is too long a wait, without contacting the server (PRV-06)', async () => {
    await using scene = await start(signInEvery('1h'))
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(scene.server.sessions).toHaveLength(1)
    const result = await scene.run()
    expect(result).toMatchObject({ status: 'incomplete', faults: [{ code: 'throttled', transient: true }] })
    expect(result.faults[0]?.message).toMatch(/3600 s between two sign-ins: it can go on at 2026-01-01T01:00:0\dZ$/)
    expect(scene.server.sessions).toHaveLength(1)
  })

  it('waits for the next window of a maildrop that shows a part, or ends with 75', async () => {
    const messages = Array.from({ length: 600 }, (_, index) => body(`number ${index}`))
    await using scene = await start({ ...gmail({ loginDelay: 300 }), messages })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 600 } })
    expect(scene.at).toHaveLength(4)
    expect(scene.at.slice(1).every((time, index) => time - (scene.at[index] ?? 0) >= 300)).toBe(true)
    await using slow = await start({ ...gmail({ loginDelay: 1000 }), messages })
    expect(await slow.run()).toMatchObject({ status: 'incomplete', faults: [{ code: 'throttled' }] })
  })

  it('counts a refused sign-in as well', async () => {
    const AUTH = ({ count }: { count: number }) => (count < 3 ? send('-ERR [IN-USE] busy\r\n') : undefined)
    await using scene = await start({ ...signInEvery('100s'), hooks: { AUTH } })
    expect(await scene.run()).toMatchObject({ status: 'ok' })
    const times = scene.events.flatMap((event) => (event.type === 'retry' ? [event] : []))
    expect(times.filter(({ delayMs }) => delayMs > 50_000).length).toBeGreaterThanOrEqual(2)
  })
})

describe('a pause that the server demands', () => {
  it.each([
    ['-ERR [SYS/TEMP] try again in 5 minutes\r\n', 300_000],
    ['-ERR [IN-USE] locked, try again in 30 seconds\r\n', 30_000],
    ['-ERR too many connections; Suggested Backoff Time: 299000 milliseconds\r\n', 299_000],
  ])('%j is kept', async (answer, pause) => {
    await using scene = await start({ hooks: { AUTH: ({ count }) => (count === 1 ? send(answer) : undefined) } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(pauses(scene)).toEqual([pause])
  })

  it.each([
    ['at sign-in', 'AUTH'],
    ['at RETR (QUIRKS RET-16, SES-08)', 'RETR'],
  ])('%s, longer than the plan allows, ends the account with the time', async (_, event) => {
    const answer = '-ERR Download was rate limited. Try again in 2 hours\r\n'
    await using scene = await start({ hooks: { [event]: () => send(answer) } })
    const { status, faults } = await scene.run()
    expect({ status, faults }).toMatchObject({ status: 'incomplete', faults: [{ code: 'throttled', transient: true }] })
    expect(faults[0]?.message).toMatch(/; it can go on at 2026-01-01T02:00:0\dZ$/)
    expect(scene.server.sessions).toHaveLength(1)
  })
})

describe('expectAtLeast', () => {
  const expecting = (count: number): { readonly source: object } => ({ source: { expectAtLeast: count } })

  it('names both numbers where the maildrop listed fewer, also when all is present', async () => {
    await using scene = await start(expecting(6))
    for (const counts of [{ copied: 5 }, { present: 5 }]) {
      const result = await scene.run()
      expect(result).toMatchObject({ status: 'incomplete', counts, faults: [{ code: 'too-few-messages' }] })
      expect(result.faults[0]?.message).toBe('5 messages were listed, the plan expects at least 6')
      expect(result.faults[0]?.transient).toBe(false)
    }
  })

  it('is content with as many', async () => {
    await using scene = await start(expecting(5))
    expect(await scene.run()).toMatchObject({ status: 'ok', faults: [] })
  })

  it('of a maildrop that shows a part counts what earlier runs copied', async () => {
    const messages = Array.from({ length: 30 }, (_, index) => body(`number ${index}`))
    await using scene = await start({ messages, window: 10, ...expecting(30) })
    expect(await scene.run({ limit: 15 })).toMatchObject({ status: 'ok', counts: { copied: 15 } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 15 } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 0 } })
  })

  it('says nothing of a maildrop that could not be seen to its end', async () => {
    await using scene = await start({ ...expecting(6), hooks: { RETR: () => send('-ERR try again later\r\n') } })
    const { faults } = await scene.run()
    expect(faults.map(({ code }) => code)).toEqual(['throttled'])
  })
})
