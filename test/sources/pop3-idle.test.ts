import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/ports/message.js'
import { Pop3Session } from '../../src/sources/pop3-session.js'
import { open } from '../pop3/opened.js'
import { ScriptServer } from '../pop3/script-server.js'
import { greeted, maildrop, TextIntake } from './maildrop.js'

/** A session that takes an idle moment for a long silence. */
async function idling(noop: string, takesNoop = true) {
  const noops: number[] = []
  let seen = (): void => undefined
  const second = new Promise<void>((resolve) => {
    seen = () => {
      if (noops.push(0) === 2) resolve()
    }
  })
  const replies = maildrop(['one\r\n', 'two\r\n'])
  const script = greeted({
    ...replies,
    USER: '+OK\r\n',
    PASS: '+OK\r\n',
    QUIT: '+OK\r\n',
    NOOP: (_, peer) => {
      seen()
      return peer.send(noop)
    },
  })
  const server = await ScriptServer.start(script)
  const refused: string[] = []
  const client = await open(server, {})
  const session = new Pop3Session(client, {
    pipelined: false,
    ids: true,
    trustsSizes: true,
    expires: false,
    loginDelayMs: 0,
    replyMs: 5000,
    idleMs: 5,
    noop: takesNoop,
    refusesNoop: () => refused.push('NOOP'),
    distrust: () => undefined,
    advised: (error) => error,
  })
  return { session, noops, second, refused, [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose]() }
}

/** Hands out one message, then nothing until `wait` is over, then the next. */
function haltingWork(entries: readonly Entry[], wait: () => Promise<void>) {
  const left = [...entries]
  let waited = false
  return {
    take: () => (left.length === entries.length || waited ? left.shift() : undefined),
    more: async () => {
      if (left.length === 0) return false
      await wait()
      waited = true
      return true
    },
  }
}

describe('an idle session (QUIRKS SES-01, RET-28)', () => {
  it('sends NOOPs while it has nothing to ask for, and goes on', async () => {
    await using rig = await idling('+OK\r\n')
    const { entries } = await rig.session.list()
    const intake = new TextIntake()
    for await (const result of rig.session.retrieve(
      haltingWork(entries, async () => rig.second),
      intake,
    )) {
      expect(result).not.toHaveProperty('fault')
    }
    expect(intake.finished).toEqual(['one\r\n', 'two\r\n'])
    expect(rig.noops.length).toBeGreaterThanOrEqual(2)
  })

  it('sends NOOPs until what it waits for is there, then QUITs', async () => {
    await using rig = await idling('+OK\r\n')
    expect(await rig.session.stay(rig.second.then(() => 'safe'))).toBe('safe')
    expect(await rig.session.quit()).toBe(true)
  })

  it('asks a server once that refuses, and goes on', async () => {
    await using rig = await idling('-ERR unknown command\r\n')
    const { entries } = await rig.session.list()
    const pause = async (): Promise<void> => {
      while (rig.refused.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    const results = rig.session.retrieve(haltingWork(entries, pause), new TextIntake())
    const keys: string[] = []
    for await (const { entry } of results) keys.push(entry.key)
    expect(keys).toEqual(['id1', 'id2'])
    expect(rig.noops).toHaveLength(1)
  })

  it('does not ask one that has refused before', async () => {
    await using rig = await idling('+OK\r\n', false)
    await rig.session.stay(new Promise((resolve) => setTimeout(resolve, 30)))
    expect(rig.noops).toHaveLength(0)
  })

  it('notices a broken dialogue, and does not QUIT', async () => {
    await using rig = await idling('what?\r\n')
    await expect(rig.session.stay(rig.second)).rejects.toMatchObject({ code: 'protocol' })
    expect(await rig.session.quit()).toBe(false)
  })

  it('passes on what went wrong meanwhile', async () => {
    await using rig = await idling('+OK\r\n')
    const failed = rig.second.then(() => {
      throw new Error('the disk is full')
    })
    await expect(rig.session.stay(failed)).rejects.toThrow('the disk is full')
  })
})
