import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { delay, kill, send } from '../support/fake-actions.js'
import type { Hooks } from '../support/fake-pop3-server.js'
import { readMaildir, readMboxrd } from '../support/rig.js'
import { readZip } from '../support/zip.js'
import { openScene, type Scene, threeMessages } from './scene.js'

const forty = Array.from({ length: 40 }, (_, index) => `Subject: number ${index}\r\n\r\nText ${index}.\r\n`)

/** Three kinds of targets, and the rule. */
async function open(
  afterCopy: unknown,
  more: { messages?: readonly string[]; hooks?: Hooks; source?: object } = {},
): Promise<Scene> {
  const { messages = threeMessages, hooks = {}, source = {} } = more
  return openScene({
    messages,
    hooks,
    plan: (server) => ({
      defaults: { afterCopy },
      accounts: [
        {
          name: 'alice',
          source: { ...server.source(), ...source },
          targets: [
            { type: 'maildir', path: 'alice' },
            { type: 'mbox', path: 'alice.mbox' },
            { type: 'eml-zip', path: 'alice.zip' },
          ],
        },
      ],
    }),
  })
}

/** How many messages are at each target. */
async function counts({ folder }: Scene): Promise<readonly number[]> {
  const maildir = await readMaildir(folder.at('alice'))
  const mbox = await readMboxrd(folder.at('alice.mbox'))
  const volumes = (await readdir(folder.path)).filter((name) => /^alice(?:-\d+)?\.zip$/.test(name))
  const entries = await Promise.all(volumes.map(async (name) => readZip(folder.at(name))))
  const zip = entries.flat().filter(({ name }) => name.endsWith('.eml'))
  for (const all of [maildir, mbox]) expect(new Set(all.map(({ bytes }) => String(bytes)))).toHaveLength(all.length)
  return [maildir.length, mbox.length, zip.length]
}

const deletes = ({ server }: Scene): number => server.lines.filter((line) => line.startsWith('DELE')).length

describe('afterCopy', () => {
  it('delete: all targets first, then the source, in one run; the next one is quiet', async () => {
    await using scene = await open('delete')
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 3, copied: 3, deleted: 3 } })
    expect(await counts(scene)).toEqual([3, 3, 3])
    expect(scene.server.messages).toEqual([])
    expect(await scene.run(['run'])).toMatchObject({ code: 0, stdout: 'No messages in 1 account: nothing to do.\n' })
  })

  it('says what was deleted', async () => {
    await using scene = await open('delete')
    expect((await scene.run(['run'])).stdout).toContain('3 deleted at the source')
  })

  it('keep: nothing, and nothing with --limit or --dry-run', async () => {
    await using scene = await open('keep')
    await scene.run(['run'])
    expect(deletes(scene)).toBe(0)
    await using trial = await open('delete')
    expect(await trial.run(['run', '--limit', '2'])).toMatchObject({ code: 0 })
    expect(await trial.run(['run', '--dry-run'])).toMatchObject({ code: 0 })
    expect(deletes(trial)).toBe(0)
  })

  it('deleteAfter: not before its time', async () => {
    await using scene = await open({ deleteAfter: '30d' })
    expect((await scene.run(['run', '--json'])).events.at(-1)).toMatchObject({ copied: 3, deleted: 0 })
    expect((await scene.run(['run', '--json'])).events.at(-1)).toMatchObject({ present: 3, deleted: 0 })
    expect(deletes(scene)).toBe(0)
    await using soon = await open({ deleteAfter: '1s' })
    expect((await soon.run(['run', '--json'])).events.at(-1)).toMatchObject({ copied: 3, deleted: 0 })
    await new Promise((resolve) => {
      setTimeout(resolve, 1000)
    })
    expect((await soon.run(['run', '--json'])).events.at(-1)).toMatchObject({ present: 3, deleted: 3 })
  })

  it('with `identity: content` there are no ids to check: exit 2, nothing contacted', async () => {
    await using scene = await open('delete', { source: { identity: 'content' } })
    const { code, stderr } = await scene.run(['run'])
    expect(code).toBe(2)
    expect(stderr).toContain('`afterCopy` deletes by id')
    expect(scene.server.sessions).toEqual([])
  })

  it('a read-only maildrop: exit 3, in the server’s words', async () => {
    await using scene = await open('delete', { hooks: { DELE: () => send('-ERR maildrop is read-only\r\n') } })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout).toContain('"-ERR maildrop is read-only"')
    expect(await counts(scene)).toEqual([3, 3, 3])
  })

  it('DEL-08 SIGINT between DELE and QUIT commits nothing', async () => {
    await using scene = await open('delete', { messages: forty })
    let pid = 0
    scene.server.hooks = {
      DELE: ({ count }) => (count === 10 ? [kill(pid, 'SIGINT'), delay(500), send('+OK\r\n')] : undefined),
    }
    await using running = scene.start(['run'])
    pid = running.pid
    expect(await running.finished).toMatchObject({ code: 130 })
    expect(scene.server.messages).toHaveLength(40)
    scene.server.hooks = {}
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(await counts(scene)).toEqual([40, 40, 40])
    expect(scene.server.messages).toEqual([])
  })

  it.each<['RETR' | 'DELE' | 'QUIT' | 'UIDL' | 'STAT', number]>([
    ['RETR', 20],
    ['DELE', 25],
    ['DELE', 40],
    ['QUIT', 1],
    ['STAT', 2],
  ])(
    'killed at %s number %i and run again: every message once at each target, then gone from the source',
    async (event, count) => {
      await using scene = await open('delete', { messages: forty })
      let pid = 0
      scene.server.hooks = { [event]: (moment: { count: number }) => (moment.count === count ? kill(pid) : undefined) }
      await using running = scene.start(['run', '--quiet'])
      pid = running.pid
      const { signal } = await running.finished
      scene.server.hooks = {}
      if (signal === null) expect(event).toBe('STAT')
      for (const { uidl } of scene.server.messages) expect(uidl).toMatch(/^u/)
      expect(await scene.run(['run'])).toMatchObject({ code: 0 })
      expect(await counts(scene)).toEqual([40, 40, 40])
      expect(scene.server.messages).toEqual([])
    },
  )
})
