import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import { close, cutAfter, send, silently } from '../support/fake-actions.js'
import type { FakeOptions } from '../support/fake-pop3-server.js'
import { memoryMessage } from '../../src/sample/message.js'
import { body, Scene } from './scene.js'

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `u${from + index}`)

/** A maildrop that shows ten messages at a time. */
async function start(count: number, options: FakeOptions & { readonly source?: object } = {}): Promise<Scene> {
  return Scene.start({ messages: ids(1, count).map(body), window: 10, ...options })
}

function retrieved({ server }: Scene): readonly (readonly string[])[] {
  return server.sessions.map((session) => session.retrieved)
}

describe('a maildrop that shows a part of its messages at a time (QUIRKS LST-18, PRV-01)', () => {
  it('is drained in one run, each message fetched once', async () => {
    await using scene = await start(35)
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 35, copied: 35, vanished: 0 } })
    expect(scene.one.stored).toEqual(ids(1, 35))
    expect(retrieved(scene)).toEqual([ids(1, 10), ids(11, 20), ids(21, 30), ids(31, 35), []])
    expect(scene.events.filter(({ type }) => type === 'account.listed')).toHaveLength(5)
    expect(scene.events.filter(({ type }) => type === 'retry')).toEqual([])
  })

  it('is left after one session where the plan says so', async () => {
    await using scene = await start(35, { source: { sessions: 'single' } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 10, copied: 10 } })
    expect(scene.server.sessions).toHaveLength(1)
  })

  it('moves on although a dead run has left a window of delivered messages without QUIT', async () => {
    await using scene = await start(35)
    await scene.deliver('one', ...ids(1, 10))
    await scene.deliver('two', ...ids(1, 10))
    await scene.ledger.remember('alice', { unsettled: true })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 35, copied: 25, present: 10 } })
    expect(scene.one.stored).toEqual(ids(11, 35))
    expect(ids(1, 35).every((id) => scene.server.retrs(id) === 1)).toBe(true)
    expect(await scene.ledger.recall('alice')).toMatchObject({ windowed: true, unsettled: false })
  })

  it('finds new mail behind old messages that are shown again, and tries it with one of them', async () => {
    await using scene = await start(12)
    await scene.run()
    scene.server.maildrop().popped.clear()
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 12, present: 12, copied: 0 } })
    const sessions = retrieved(scene).slice(3)
    expect(sessions.map(({ length }) => length)).toEqual([1, 10, 1, 0])
  })

  it('tries one message a run, no more, where a maildrop that was windowed is so no longer', async () => {
    await using scene = await start(5, { window: Infinity })
    await scene.deliver('one', ...ids(1, 5))
    await scene.deliver('two', ...ids(1, 5))
    await scene.ledger.remember('alice', { windowed: true })
    scene.server.maildrop().popped.has = () => false
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { present: 5 } })
    expect(retrieved(scene)).toEqual([['u1'], []])
    expect(await scene.ledger.recall('alice')).toMatchObject({ windowed: false, unsettled: false })
  })

  it('of an ordinary server is looked at twice only where nothing listed is known from before', async () => {
    await using scene = await Scene.start({ messages: ids(1, 5).map(body) })
    await scene.run()
    expect(retrieved(scene)).toEqual([ids(1, 5), []])
    scene.server.messages = ids(1, 7).map(body)
    await scene.run()
    expect(retrieved(scene).slice(2)).toEqual([['u6', 'u7']])
  })

  it('of an ordinary server is not looked at twice where it shows more than any window', async () => {
    const messages = Array.from({ length: 5000 }, (_, index) => body(`${index}`))
    await using scene = await Scene.start({ messages })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5000 } })
    expect(scene.server.sessions).toHaveLength(1)
  })

  it('SES-04 is drained although the server hangs up behind every four messages', async () => {
    await using scene = await start(25, { cutEvery: 4 })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 25, copied: 25 } })
    expect(scene.one.stored.toSorted()).toEqual(ids(1, 25).toSorted())
  })

  it('SES-05 is drained around a message on which every session dies', async () => {
    await using scene = await start(25, {
      hooks: { RETR: ({ uidl }) => (uidl === 'u13' ? cutAfter(5) : undefined) },
    })
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { listed: 25, copied: 24, failed: 1 } })
    expect(scene.server.retrs('u13')).toBe(2)
    expect(scene.ledger.summaries).toMatchObject([{ failures: [{ key: 'u13', code: 'breaks-session' }] }])
  })

  it('RET-15 is drained around a message that the server refuses', async () => {
    await using scene = await start(25, {
      hooks: { RETR: ({ uidl }) => (uidl === 'u3' ? send('-ERR no\r\n') : undefined) },
    })
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { listed: 25, copied: 24, failed: 1 } })
  })

  it('does not call vanished what it does not show any more', async () => {
    await using scene = await start(25, {
      hooks: {
        RETR: ({ uidl }) => {
          if (uidl !== 'u3') return undefined
          scene.server.messages = scene.server.messages.filter((message) => message.uidl !== 'u3')
          return send('-ERR no\r\n')
        },
      },
    })
    expect((await scene.run()).counts).toMatchObject({ copied: 24, failed: 1, vanished: 0 })
  })

  it.each([
    ['that was lost', (count: number) => (count === 1 ? close : undefined)],
    ['whose answer was lost', (count: number) => (count === 1 ? [silently, close] : undefined)],
  ])('is not concluded to stand still from a QUIT %s', async (_, script) => {
    await using scene = await start(25, { hooks: { QUIT: ({ count }) => script(count) } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 25 } })
    expect(scene.one.stored).toEqual(ids(1, 25))
  })

  it('is incomplete where the server never takes a QUIT', async () => {
    await using scene = await start(25, { hooks: { QUIT: () => close } })
    await scene.ledger.remember('alice', { windowed: true })
    expect(await scene.run()).toMatchObject({ status: 'incomplete', faults: [{ code: 'connection-lost' }] })
    expect(scene.one.stored).toEqual(ids(1, 10))
  })

  it('SES-11 is not looked for where an ordinary server never answers a QUIT', async () => {
    await using scene = await Scene.start({ hooks: { QUIT: () => close } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5 } })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { present: 5 } })
    expect(retrieved(scene)).toEqual([ids(1, 5), ['u1'], []])
  })

  it('counts with --limit over all its windows', async () => {
    await using scene = await start(35)
    expect((await scene.run({ limit: 15 })).counts).toMatchObject({ copied: 15, listed: 20, pending: 5 })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 20 } })
    expect(scene.one.stored).toEqual(ids(1, 35))
  })
})

describe('a stopped target of a source that hides or removes what was fetched (CONTRACT, guarantee 1)', () => {
  it.each<[string, FakeOptions]>([
    ['windowed', { window: 10 }],
    ['EXPIRE 0', { expire: true, window: Infinity, capabilities: ['EXPIRE 0'] }],
  ])('%s: stops the account, and no message is lost', async (_, options) => {
    await using scene = await start(35, options)
    await scene.ledger.remember('alice', { windowed: options.window === 10 })
    let stopped = true
    scene.two.beforeCommit = async () => {
      if (stopped) throw new Fault('disk-full', 'no space left')
    }
    const result = await scene.run()
    expect(result).toMatchObject({ status: 'incomplete', faults: [{ code: 'disk-full' }] })
    expect(scene.server.lines).not.toContain('QUIT')
    expect(scene.server.sessions).toHaveLength(1)
    stopped = false
    scene.two.stored.length = 0
    expect(await scene.run()).toMatchObject({ status: 'ok' })
    expect(scene.one.stored.toSorted()).toEqual(ids(1, 35).toSorted())
    expect(scene.two.stored.toSorted()).toEqual(ids(1, 35).toSorted())
  })

  it('fetches nothing where a target cannot even be opened', async () => {
    await using scene = await start(15)
    await scene.ledger.remember('alice', { windowed: true })
    scene.two.open = async () => {
      throw new Fault('target-gone', 'not mounted')
    }
    expect(await scene.run()).toMatchObject({ status: 'incomplete', counts: { pending: 10, copied: 0 } })
    expect(retrieved(scene)).toEqual([[]])
    expect(scene.server.lines).not.toContain('QUIT')
  })

  it('waits for a target that stopped for a reason that passes', async () => {
    await using scene = await start(15)
    await scene.ledger.remember('alice', { windowed: true })
    let commits = 0
    scene.two.beforeCommit = async () => {
      if (commits++ > 0) return
      scene.two.stored.length = 0
      throw new Fault('mbox-locked', 'another program holds the lock')
    }
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 15 } })
    expect(scene.two.stored).toEqual(ids(1, 15))
  })
})

it('an EXPIRE 0 server that removes at QUIT is emptied without a second fetch', async () => {
  await using scene = await Scene.start({ expire: true, capabilities: ['EXPIRE 0'] })
  expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 5, vanished: 0 } })
  expect(retrieved(scene)).toEqual([ids(1, 5), []])
})

describe('a maildrop whose server shows only the newest messages, whatever was fetched (QUIRKS LST-18, PRV-10)', () => {
  const warnings = ({ events }: Scene): readonly object[] => events.filter(({ type }) => type === 'warning')
  const warning = {
    account: 'alice',
    code: 'window-fixed',
    message: expect.stringMatching(/^exactly \d+ messages/) as string,
  }

  it('is warned about at once where the number is that of a common server', async () => {
    await using scene = await Scene.start({ messages: ids(1, 1000).map(body), newest: 250 })
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 250, copied: 250 } })
    expect(warnings(scene)).toEqual([expect.objectContaining(warning)])
  })

  it('is warned about as soon as mail has come and the number stays what it was', async () => {
    await using scene = await Scene.start({ messages: ids(1, 200).map(body), newest: 120 })
    await scene.run()
    await scene.run()
    expect(warnings(scene)).toEqual([])
    scene.server.messages = ids(1, 203).map(body)
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { listed: 120, copied: 3, present: 117 } })
    expect(warnings(scene)).toEqual([expect.objectContaining(warning)])
  })

  it.each<[string, number, number]>([
    ['grows', 120, 123],
    ['stays what it was without new mail', 120, 120],
  ])('is nothing to warn about where the number %s', async (_, before, after) => {
    await using scene = await Scene.start({ messages: ids(1, before).map(body) })
    await scene.run()
    scene.server.messages = ids(1, after).map(body)
    await scene.run()
    expect(warnings(scene)).toEqual([])
  })

  it('is an error with expectAtLeast', async () => {
    await using scene = await Scene.start({
      messages: ids(1, 1000).map(body),
      newest: 250,
      source: { expectAtLeast: 1000 },
    })
    expect(await scene.run()).toMatchObject({ faults: [{ code: 'too-few-messages' }], counts: { copied: 250 } })
  })
})

describe('a window that is full of messages that `select` leaves out', () => {
  /** The first so many are large. */
  const mail = (large: number, count: number): string[] =>
    ids(1, count).map((id, index) => body(index < large ? id.padEnd(500) : id))
  const select = { maxSize: 200, dateOf: () => undefined }

  it('is an error: what is behind them cannot be seen without fetching them', async () => {
    await using scene = await start(0, { messages: mail(15, 35), capabilities: ['EXPIRE 0'] })
    await scene.ledger.remember('alice', { windowed: true, fullWindow: 10 })
    const expected = { faults: [{ code: 'window-blocked' }], counts: { listed: 10, filtered: 10, copied: 0 } }
    expect(await scene.run({ select })).toMatchObject(expected)
    expect(retrieved(scene)).toEqual([[]])
    expect(await scene.run()).toMatchObject({ status: 'ok', counts: { copied: 35 } })
  })

  it('is known by the length of those behind which more came to light', async () => {
    const messages = mail(0, 12)
    await using scene = await start(0, { messages, capabilities: ['EXPIRE 0'] })
    await scene.run()
    expect(await scene.ledger.recall('alice')).toMatchObject({ windowed: true, fullWindow: 10 })
    scene.server.messages = [...messages, ...mail(9, 9)].map((text, index) =>
      memoryMessage(`u${index + 1}`, Buffer.from(text)),
    )
    for (const message of scene.server.messages.slice(0, 12)) scene.server.maildrop().popped.add(message)
    expect(await scene.run({ select })).toMatchObject({ status: 'ok', counts: { listed: 9, filtered: 9 } })
  })

  it('is passed where the server does not remove what was fetched', async () => {
    await using scene = await start(0, { messages: mail(15, 35) })
    await scene.ledger.remember('alice', { windowed: true, fullWindow: 10 })
    expect(await scene.run({ select })).toMatchObject({
      status: 'ok',
      counts: { listed: 35, filtered: 15, copied: 20 },
    })
  })
})
