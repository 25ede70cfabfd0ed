import { describe, expect, it } from 'vitest'
import { close, kill, rewrite, send } from '../support/fake-actions.js'
import type { Hook } from '../support/fake-dialogue.js'
import { type JsonEvent, readMaildir } from '../support/rig.js'
import { all, openScene, type Scene, storedSubjects } from './scene.js'

/** The message without its last octets, and a tidy end: as if the server's disk had failed (QUIRKS RET-14). */
const cut = (octets: number) =>
  rewrite((reply) => Buffer.concat([reply.subarray(0, -5 - octets), Buffer.from('\r\n.\r\n')]))

/** u2 is cut by so many octets at its first, second, … RETR; 0 and beyond the list: whole. */
function cutting(...octets: readonly number[]): Hook {
  let count = 0
  return ({ uidl }) => {
    if (uidl !== 'u2') return undefined
    const missing = octets[count++] ?? 0
    return missing === 0 ? undefined : cut(missing)
  }
}

const flagged = (events: readonly JsonEvent[]): readonly unknown[] =>
  events.flatMap(({ type, uidl, flag }) => (type === 'message.flagged' && flag === 'size-mismatch' ? [uidl] : []))

const last = (events: readonly JsonEvent[]): JsonEvent | undefined => events.at(-1)

async function stored(scene: Scene): Promise<readonly string[]> {
  return (await readMaildir(scene.folder.at('mail', 'alice'))).map(({ bytes }) => String(bytes)).toSorted()
}

const text = (word: string): string => `Subject: ${word}\n\nText ${word}.\n`
const whole = ['one', 'three', 'two'].map(text)
const short = (octets: number): readonly string[] => [
  text('one'),
  text('three'),
  `${text('two').slice(0, -1 - octets)}\n`,
]

describe.concurrent.each(['on', 'off'])('RET-14 a message that is shorter than listed, pipelining %s', (pipelining) => {
  const source = { sessions: 'single', pipelining }

  it('is fetched once more in another session; the whole one is stored, and nothing is wrong', async () => {
    await using scene = await openScene({ source, hooks: { RETR: cutting(6) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 0, flags: [] })
    expect(last(events)).toMatchObject({ listed: 3, copied: 3, failed: 0 })
    expect(await stored(scene)).toEqual(whole)
    expect(await storedSubjects(scene)).toEqual(all)
    expect(scene.server.retrs('u2')).toBe(2)
    expect(scene.server.sessions.map(({ quit }) => quit)).toEqual([false, true])
    expect(scene.server.sessions[1]?.retrieved).toContain('u2')
  })

  it('stays short: stored once, flagged, exit 3; later runs count it present', { timeout: 40_000 }, async () => {
    await using scene = await openScene({ source, hooks: { RETR: cutting(6, 6, 6) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(last(events)).toMatchObject({ listed: 3, copied: 3, failed: 0, pending: 0 })
    expect(await stored(scene)).toEqual(short(6))
    expect(await storedSubjects(scene)).toEqual(all)
    expect(scene.server.retrs('u2')).toBe(2)
    expect(scene.server.sessions.at(-1)).toMatchObject({ quit: true })
    const again = await scene.run(['run', '--json'])
    expect({ code: again.code, flags: flagged(again.events) }).toEqual({ code: 0, flags: [] })
    expect(last(again.events)).toMatchObject({ listed: 3, copied: 0, present: 3 })
    expect(scene.server.retrs('u2')).toBe(2)
  })

  it('a final line end more or less is no mismatch', async () => {
    await using scene = await openScene({ source, hooks: { RETR: cutting(2) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 0, flags: [] })
    expect(scene.server.retrs('u2')).toBe(1)
  })

  it('most sizes are wrong: one warning, no second fetches any more, no flags, exit 0', async () => {
    const many = Array.from({ length: 30 }, (_, index) => `Subject: no ${index}\r\n\r\nText\r\n`)
    const LIST = (): ReturnType<typeof rewrite> =>
      rewrite((reply) => String(reply).replaceAll(/^(\d+) (\d+)/gm, '$1 9$2'))
    await using scene = await openScene({ source, messages: many, hooks: { LIST } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    // The first one made the pipelined session end; it was fetched twice before anything was known.
    expect(flagged(events)).toEqual(pipelining === 'on' ? ['u1', 'u1'] : [])
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([{ account: 'alice', code: 'sizes-wrong' }])
    expect(last(events)).toMatchObject({ copied: 30, failed: 0 })
    expect(await stored(scene)).toHaveLength(30)
    const retrs = many.map((_, index) => scene.server.retrs(`u${index + 1}`))
    expect(Math.max(...retrs.slice(1))).toBe(pipelining === 'on' ? 2 : 1)
    expect(retrs.slice(16).every((count) => count <= (pipelining === 'on' ? 2 : 1))).toBe(true)
    expect(scene.server.sessions.at(-1)).toMatchObject({ quit: true })
  })

  it('`sizes: ignore`: each is fetched once, and nothing is told', async () => {
    await using scene = await openScene({ source: { ...source, sizes: 'ignore' }, hooks: { RETR: cutting(6) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 0, flags: [] })
    expect(events.filter(({ type }) => type === 'warning')).toEqual([])
    expect(await stored(scene)).toEqual(short(6))
    expect(scene.server.sessions.map(({ retrieved, quit }) => ({ retrieved, quit }))).toEqual([
      { retrieved: ['u1', 'u2', 'u3'], quit: true },
    ])
  })
})

describe.concurrent('the first copy of a short message', () => {
  const source = { sessions: 'single', pipelining: 'off' }

  it('is stored where the second fetch brings even less', async () => {
    await using scene = await openScene({ source, hooks: { RETR: cutting(4, 8) } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(await stored(scene)).toEqual(short(4))
    expect(scene.server.retrs('u2')).toBe(2)
    expect(scene.server.sessions.map(({ quit }) => quit)).toEqual([false, true])
  })

  it('is stored where the server refuses the second fetch', async () => {
    const first = cutting(4)
    const RETR: Hook = (moment) => (moment.uidl === 'u2' && moment.session > 1 ? send('-ERR gone\r\n') : first(moment))
    await using scene = await openScene({ source, hooks: { RETR } })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(last(events)).toMatchObject({ copied: 3, failed: 0 })
    expect(await stored(scene)).toEqual(short(4))
  })

  it('is stored where the next session does not list it', async () => {
    const first = cutting(4)
    await using scene = await openScene({ source })
    scene.server.hooks = {
      RETR: (moment) => {
        if (moment.uidl === 'u2') scene.server.messages = scene.server.messages.filter(({ uidl }) => uidl !== 'u2')
        return first(moment)
      },
    }
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(last(events)).toMatchObject({ listed: 3, copied: 3, vanished: 0 })
    expect(await stored(scene)).toEqual(short(4))
  })

  it('is stored where no second session comes about', async () => {
    await using scene = await openScene({
      source,
      hooks: { RETR: cutting(4), greeting: ({ session }) => (session > 1 ? close : undefined) },
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(last(events)).toMatchObject({ copied: 3, failed: 0 })
    expect(await stored(scene)).toEqual(short(4))
  })

  it('CAP-07 is not lost where QUIT removes what was fetched', async () => {
    await using scene = await openScene({
      source,
      expire: true,
      capabilities: ['EXPIRE 0'],
      hooks: { RETR: cutting(4) },
    })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await stored(scene)).toEqual(whole)
    expect(scene.server.sessions.map(({ quit }) => quit)).toEqual([false, true])
  })

  it('is not needed by the next run: killed between the two fetches', { timeout: 40_000 }, async () => {
    await using scene = await openScene({ source })
    const first = cutting(4, 4, 4)
    const running = scene.start(['run'])
    scene.server.hooks = {
      RETR: (moment) => (moment.uidl === 'u2' && moment.session > 1 ? kill(running.pid) : first(moment)),
    }
    await running.finished
    expect(scene.server.retrs('u2')).toBe(2)
    scene.server.hooks = { RETR: first }
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, flags: flagged(events) }).toEqual({ code: 3, flags: ['u2', 'u2'] })
    expect(last(events)).toMatchObject({ listed: 3, copied: 1, present: 2 })
    expect(await stored(scene)).toEqual(short(4))
    expect(await storedSubjects(scene)).toEqual(all)
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
  })

  it('more of them than are kept at once: further sessions, every message once', { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 400 }, (_, index) => `Subject: no ${index}\r\n\r\nText ${'x'.repeat(index)}\r\n`)
    // The first twenty are right, so the sizes count.
    const RETR: Hook = ({ argument }) => (Number(argument) > 20 && Number(argument) % 2 === 0 ? cut(5) : undefined)
    await using scene = await openScene({ source, messages: many, hooks: { RETR } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(last(events)).toMatchObject({ copied: 400, failed: 0, pending: 0 })
    expect(new Set(flagged(events)).size).toBe(190)
    expect(await stored(scene)).toHaveLength(400)
    expect(scene.server.sessions.length).toBe(3)
    expect(Math.max(...many.map((_, index) => scene.server.retrs(`u${index + 1}`)))).toBe(2)
  })
})
