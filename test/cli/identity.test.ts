import { describe, expect, it } from 'vitest'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { cutAfter, kill, rewrite, send, upTo } from '../support/fake-actions.js'
import { thorough } from '../fault/scene.js'
import { all, openScene, type Scene, snapshot, storedSubjects, threeMessages } from './scene.js'

/** Pairs of an id and a subject; the text follows from the subject. */
function drop(...pairs: readonly (readonly [id: string, word: string])[]): SampleMessage[] {
  return pairs.map(([id, word]) => memoryMessage(id, Buffer.from(`Subject: ${word}\r\n\r\nText ${word}.\r\n`)))
}

/** Exactly these messages stand at both targets. */
async function requireStored(scene: Scene, ...subjects: readonly string[]): Promise<void> {
  const sorted = subjects.toSorted().join(' ')
  expect(await storedSubjects(scene)).toEqual({ maildir: sorted, mbox: sorted })
}

/** A run that ends well, the summary of its counts, and what it asked for. */
async function run(scene: Scene) {
  const before = scene.server.sessions.length
  const { code, events, stderr } = await scene.run(['run', '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const asked = scene.server.sessions.slice(before).flatMap(({ retrieved }) => retrieved)
  return { end: events.at(-1), asked, events }
}

const content = { source: { identity: 'content' } }

describe.concurrent('LST-01 a server without UIDL', { timeout: 60_000 }, () => {
  it('is refused with 3, before anything is fetched, and told the setting that helps', async () => {
    await using scene = await openScene({ noUidl: true })
    const { code, stdout, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout + stderr).toMatch(/alice.*UIDL/)
    expect(stdout + stderr).toContain('identity: content')
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toEqual([])
    await requireStored(scene)
  })

  it('is served by the bytes of its messages with `identity: content`; the rerun stores nothing and says so', async () => {
    const twins = [...threeMessages, threeMessages[0] ?? '']
    await using scene = await openScene({ noUidl: true, messages: twins, ...content })
    expect((await run(scene)).end).toMatchObject({ listed: 4, copied: 4 })
    const before = await snapshot(scene.folder.at('mail'))
    expect((await run(scene)).end).toMatchObject({ listed: 4, copied: 0, present: 4, reidentified: 0 })
    const { stdout } = await scene.run(['run'])
    expect(stdout).toMatch(/^All 4 messages of 1 account are safe: nothing new/)
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
    expect(scene.server.lines).not.toContain('UIDL')
    await requireStored(scene, 'one', 'one', 'three', 'two')
  })

  it('keeps a large message as well, and takes new mail in front of old', async () => {
    const large = `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(100_000)}`
    await using scene = await openScene({ noUidl: true, messages: [large, ...threeMessages], ...content })
    await run(scene)
    scene.server.messages = ['Subject: fresh\r\n\r\nText.\r\n', ...threeMessages.slice(1), large]
    expect((await run(scene)).end).toMatchObject({ listed: 4, copied: 1, present: 3 })
    await requireStored(scene, 'one', 'two', 'three', 'large', 'fresh')
  })

  it('names a message that cannot be had', async () => {
    const hooks = { RETR: ({ argument }: { argument: string }) => (argument === '2' ? send('-ERR no\r\n') : undefined) }
    await using scene = await openScene({ noUidl: true, hooks, ...content })
    const { code, stdout, stderr } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout + stderr).toMatch(/message no\. 2 \(without id\)/)
    await requireStored(scene, 'one', 'three')
  })

  it('killed at any event, and run again: each message once', async () => {
    const messages = [...threeMessages, threeMessages[2] ?? '']
    let moments = Infinity
    for (let fatal = 1; fatal <= moments; fatal += thorough ? 1 : 4) {
      await using scene = await openScene({ noUidl: true, messages: messages.slice(1), ...content })
      await run(scene)
      scene.server.messages = messages
      let moment = 0
      let pid = 0
      scene.server.hooks = { any: () => (++moment === fatal ? [upTo(fatal % 3 === 0 ? 40 : 0), kill(pid)] : undefined) }
      await using running = scene.start(['run', '--quiet'])
      pid = running.pid
      if ((await running.finished).signal !== 'SIGKILL') moments = moment
      scene.server.hooks = {}
      const { end } = await run(scene)
      expect(end, `killed at moment ${fatal}`).toMatchObject({ listed: 4, failed: 0 })
      await requireStored(scene, 'one', 'three', 'three', 'two')
    }
    expect(moments).toBeGreaterThan(8)
  }, 120_000)
})

describe.concurrent('ids that are not what they should be', { timeout: 60_000 }, () => {
  it('LST-03 shared: all are kept; one that is gone and one that is new are told by their bytes', async () => {
    await using scene = await openScene({ messages: drop(['A', 'one'], ['A', 'second'], ['A', 'one']) })
    expect((await run(scene)).end).toMatchObject({ listed: 3, copied: 3 })
    scene.server.messages = drop(['A', 'second'], ['A', 'one'])
    expect((await run(scene)).end).toMatchObject({ listed: 2, copied: 0, present: 2 })
    scene.server.messages = drop(['A', 'second'], ['A', 'one'], ['A', 'fourth'])
    expect((await run(scene)).end).toMatchObject({ listed: 3, copied: 1, present: 2 })
    expect((await run(scene)).asked).toEqual([])
    await requireStored(scene, 'one', 'second', 'one', 'fourth')
  })

  it('LST-07 empty: such a message goes by its bytes, the others by their ids', async () => {
    const hooks = { UIDL: () => rewrite((reply) => reply.toString('latin1').replaceAll(/^([13]) \S+/gm, '$1 ')) }
    await using scene = await openScene({ messages: [...threeMessages, threeMessages[0] ?? ''], hooks })
    expect((await run(scene)).end).toMatchObject({ copied: 4 })
    const { end, asked } = await run(scene)
    expect({ end, asked }).toMatchObject({ end: { present: 4, copied: 0, reidentified: 0 }, asked: ['u1', 'u3'] })
    await requireStored(scene, 'one', 'one', 'three', 'two')
  })

  it('LST-05, LST-06, LST-09, LST-16 odd, overlong, of one length or case: opaque bytes', async () => {
    const long = 'L'.repeat(2000)
    const odd = [
      '../../etc/x',
      'a/b',
      'a\\b',
      'a b',
      '"q"',
      '\xff\xfe',
      '__proto__',
      'constructor',
      'aB',
      'Ab',
      '%s$HOME',
    ]
    const ids = [...odd, `${long}1`, `${long}2`, 'x'.repeat(70)]
    const messages = drop(...ids.map((id, index) => [id, `word${index}`] as const))
    await using scene = await openScene({ messages })
    expect((await run(scene)).end).toMatchObject({ listed: ids.length, copied: ids.length })
    expect(await run(scene)).toMatchObject({ end: { present: ids.length, copied: 0 }, asked: [] })
    await requireStored(scene, ...ids.map((_, index) => `word${index}`))
    const outside = Object.keys(await snapshot(scene.folder.path)).filter((name) => !/^(?:mail|migrate)\b/.test(name))
    expect(outside).toEqual([])
  })

  it('LST-20 used again for another message: both are kept, with a warning, once', async () => {
    await using scene = await openScene({ messages: drop(['7', 'old'], ['8', 'same']) })
    await run(scene)
    scene.server.messages = drop(['7', 'another'], ['8', 'same'])
    const { end, asked, events } = await run(scene)
    expect({ end, asked }).toMatchObject({ end: { present: 1, copied: 1 }, asked: ['7'] })
    const warnings = events.filter(({ type }) => type === 'warning')
    expect(warnings).toMatchObject([{ account: 'alice', code: 'uidl-reused' }])
    expect(await run(scene)).toMatchObject({ end: { present: 2, copied: 0 }, asked: [] })
    await requireStored(scene, 'another', 'old', 'same')
  })

  it('a known id with another size but the same header is looked at once; `sizes: ignore` does not look', async () => {
    const relist = (size: number) => () => rewrite((reply) => reply.toString('latin1').replace(/^2 \d+/m, `2 ${size}`))
    for (const [sizes, looks] of [
      ['auto', ['u2']],
      ['ignore', []],
    ] as const) {
      await using scene = await openScene({ source: { sizes } })
      await run(scene)
      scene.server.hooks = { LIST: relist(20) }
      expect(await run(scene)).toMatchObject({ end: { present: 3, copied: 0 }, asked: looks })
      expect(await run(scene)).toMatchObject({ end: { present: 3, copied: 0 }, asked: [] })
      expect(await storedSubjects(scene)).toEqual(all)
    }
  })
})

describe.concurrent('listings that hide something', { timeout: 60_000 }, () => {
  it('LST-12 cut off for ever: 75, nothing is forgotten; then only new mail is fetched', async () => {
    await using scene = await openScene()
    await run(scene)
    scene.server.hooks = { UIDL: () => cutAfter(12) }
    expect(await scene.run(['run'])).toMatchObject({ code: 75 })
    scene.server.hooks = {}
    scene.server.messages = [...threeMessages, 'Subject: fresh\r\n\r\nText.\r\n']
    expect(await run(scene)).toMatchObject({ end: { present: 3, copied: 1 }, asked: ['u4'] })
  })

  it('LST-02 UIDL refused once although it is advertised: nothing is taken for new', async () => {
    const once = ({ count }: { count: number }) => (count === 2 ? send('-ERR not now\r\n') : undefined)
    await using scene = await openScene()
    await run(scene)
    scene.server.hooks = { UIDL: once }
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { present: 3, copied: 0 } })
    expect(await storedSubjects(scene)).toEqual(all)
  })

  it.each([
    ['LST-13 empty for a moment', []],
    ['LST-21 an emergency listing of one strange id', drop(['ENOMEM-1', 'one'])],
    ['LST-19 one id in several runs', drop(['u2', 'two'])],
  ])('%s: when the others return, none is copied again', async (_, shown) => {
    await using scene = await openScene()
    await run(scene)
    scene.server.messages = shown
    for (let time = 0; time < 2; time++) {
      expect((await run(scene)).end).toMatchObject({ listed: shown.length, copied: 0 })
    }
    scene.server.messages = threeMessages
    expect(await run(scene)).toMatchObject({ end: { present: 3, copied: 0 }, asked: [] })
    expect(await storedSubjects(scene)).toEqual(all)
  })
})
