import { describe, expect, it } from 'vitest'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { kill, rewrite, upTo } from '../support/fake-actions.js'
import { thorough } from '../fault/scene.js'
import { openScene, type Scene, snapshot, storedSubjects } from './scene.js'

const words = Array.from({ length: 14 }, (_, index) => (index % 6 === 0 ? 'twin' : `word${index}`))

/** Messages with new ids; three of them are twins to the last octet. */
function withIds(prefix: string, subjects: readonly string[] = words): SampleMessage[] {
  return subjects.map((word, index) =>
    memoryMessage(`${prefix}${index}`, Buffer.from(`Subject: ${word}\r\nMessage-ID: <${word}@x>\r\n\r\nText.\r\n`)),
  )
}

/** Exactly these messages stand at both targets. */
async function requireStored(scene: Scene, subjects: readonly string[]): Promise<void> {
  const sorted = subjects.toSorted().join(' ')
  expect(await storedSubjects(scene)).toEqual({ maildir: sorted, mbox: sorted })
}

async function copied(source: object = {}): Promise<Scene> {
  const scene = await openScene({ messages: withIds('a'), source })
  expect(await scene.run(['run'])).toMatchObject({ code: 0 })
  scene.server.messages = withIds('b')
  return scene
}

describe.concurrent('LST-04 all ids are new', { timeout: 60_000 }, () => {
  it('nothing is stored again: each message is fetched once, recognised, and known from then on', async () => {
    await using scene = await copied()
    const before = await snapshot(scene.folder.at('mail'))
    const { code, events, stderr } = await scene.run(['run', '--json'])
    const counts = { listed: 14, copied: 0, present: 14, failed: 0, reidentified: 14, bytes: 0 }
    expect({ code, stderr, end: events.at(-1) }).toMatchObject({ code: 0, stderr: '', end: counts })
    expect(events.find(({ type }) => type === 'account.finished')).toMatchObject({ status: 'ok', ...counts })
    expect(events.filter(({ code: why }) => why === 'uidl-reset')).toMatchObject([
      { type: 'warning', account: 'alice' },
    ])
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
    expect(scene.server.messages.every(({ uidl }) => scene.server.retrs(uidl) === 1)).toBe(true)
    const third = await scene.run(['run'])
    expect(third).toMatchObject({ code: 0, stderr: '' })
    expect(third.stdout).not.toContain('recognised')
    expect(scene.server.messages.every(({ uidl }) => scene.server.retrs(uidl) === 1)).toBe(true)
  })

  it('says so to people', async () => {
    await using scene = await copied()
    const { stdout, stderr } = await scene.run(['run'])
    expect(stdout).toContain('14 recognised under new ids')
    expect(stderr).toMatch(/the server lists 0 of the 14 ids of last time, and 14 new ones/)
  })

  it('new mail and one more twin are copied, a message that is gone is no loss', async () => {
    await using scene = await copied()
    scene.server.messages = withIds('b', [...words.slice(1), 'fresh', 'twin', 'twin'])
    const { code, events } = await scene.run(['run', '--json'])
    const counts = { listed: 16, present: 14, copied: 2, reidentified: 14 }
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: counts })
    await requireStored(scene, [...words, 'fresh', 'twin'])
  })

  it('and MIME boundaries as well, at each RETR (QUIRKS RET-23)', async () => {
    const boundary = 'boundary="0000"'
    const messages = (prefix: string): SampleMessage[] =>
      words.map((word, index) => {
        const text = `Subject: ${word}${index}\r\nContent-Type: multipart/mixed; ${boundary}\r\n\r\n--0000\r\n\r\nText ${index}.\r\n--0000--\r\n`
        return memoryMessage(`${prefix}${index}`, Buffer.from(text))
      })
    let served = 1000
    const rebuilt = (reply: Buffer): string => reply.toString('latin1').replaceAll('0000', String(++served))
    await using scene = await openScene({ messages: messages('a'), hooks: { RETR: () => rewrite(rebuilt) } })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    const before = await snapshot(scene.folder.at('mail'))
    scene.server.messages = messages('b')
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { present: 14, copied: 0, reidentified: 14 } })
    const flagged = events.filter(({ type }) => type === 'message.flagged')
    expect(flagged.map(({ uidl, flag }) => `${String(uidl)} ${String(flag)}`).toSorted()).toEqual(
      words.map((_, index) => `b${index} reidentified-by-header`).toSorted(),
    )
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
  })

  it('a dry run looks, fetches nothing and records nothing', async () => {
    await using scene = await copied()
    const before = await snapshot(scene.folder.path)
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    const { code, stderr } = await scene.run(['run', '--dry-run'])
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('14 new ones') as string })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })

  it('--limit recognises so many, and the next runs go on', async () => {
    await using scene = await copied()
    for (const reidentified of [5, 5, 4, 0]) {
      const { code, events } = await scene.run(['run', '--json', '--limit', '5'])
      expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { copied: 0, reidentified } })
    }
    await requireStored(scene, words)
  })

  it('a target that lags behind gets what it lacks, once', async () => {
    await using scene = await openScene({ messages: withIds('a') })
    expect(await scene.run(['run', '--limit', '4'])).toMatchObject({ code: 0 })
    scene.server.messages = withIds('b')
    const { code, events } = await scene.run(['run', '--json'])
    const counts = { listed: 14, present: 4, copied: 10, reidentified: 4 }
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: counts })
    await requireStored(scene, words)
  })
})

describe.concurrent('`onUidlReset: stop`', { timeout: 60_000 }, () => {
  it('ends the account with 3, fetches and stores nothing, and leaves the decision to the admin', async () => {
    await using scene = await copied({ onUidlReset: 'stop' })
    const before = await snapshot(scene.folder.at('mail'))
    for (let time = 0; time < 2; time++) {
      const { code, stdout, stderr } = await scene.run(['run'])
      expect({ code, stdout }).toMatchObject({ code: 3 })
      expect(stdout + stderr).toMatch(/alice.*the server lists 0 of the 14 ids of last time, and 14 new ones/)
      expect(stdout + stderr).toContain('onUidlReset: reidentify')
    }
    expect(scene.server.messages.some(({ uidl }) => scene.server.retrs(uidl) > 0)).toBe(false)
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
    const targets = [{ type: 'maildir', path: 'mail/alice' }]
    await scene.plan({ accounts: [{ name: 'alice', source: scene.server.source(), targets }] })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { present: 14, reidentified: 14 } })
  })

  it('does not mind new mail, mail that is gone, or an empty maildrop', async () => {
    await using scene = await copied({ onUidlReset: 'stop' })
    const old = withIds('a')
    for (const messages of [[], old.slice(0, 2), [...old, ...withIds('c', ['more', 'mail'])]]) {
      scene.server.messages = messages
      expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    }
    await requireStored(scene, [...words, 'more', 'mail'])
  })
})

describe('killed in the middle of a reset', () => {
  it.each([
    ['off', 5],
    ['on', 7],
  ])(
    'at every event, pipelining %s: the next run ends with each message once',
    async (pipelining, stride) => {
      const wanted = [...words, 'fresh']
      let moments = Infinity
      for (let fatal = 1; fatal <= moments; fatal += thorough ? 1 : stride) {
        await using scene = await copied({ pipelining })
        scene.server.messages = withIds('b', wanted)
        let moment = 0
        let pid = 0
        scene.server.hooks = {
          any: () => (++moment === fatal ? [upTo(fatal % 3 === 0 ? 40 : 0), kill(pid)] : undefined),
        }
        await using running = scene.start(['run', '--quiet'])
        pid = running.pid
        if ((await running.finished).signal !== 'SIGKILL') moments = moment
        scene.server.hooks = {}
        const again = await scene.run(['run', '--quiet'])
        expect(again, `killed at moment ${fatal}`).toMatchObject({ code: 0, stdout: '' })
        await requireStored(scene, wanted)
        const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
        expect(await scene.run(['run'])).toMatchObject({ code: 0 })
        expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
      }
      expect(moments).toBeGreaterThan(15)
    },
    240_000,
  )
})
