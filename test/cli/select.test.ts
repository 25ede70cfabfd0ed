import { describe, expect, it } from 'vitest'
import { rewrite, send } from '../support/fake-actions.js'
import type { Hooks } from '../support/fake-pop3-server.js'
import { type JsonEvent, readMaildir } from '../support/rig.js'
import { openScene, type Scene, type SceneOptions } from './scene.js'

const day = 24 * 60 * 60 * 1000

/** A message of this age in days; undefined: without a date. */
function aged(word: string, days: number | undefined, size = 0): string {
  const date = days === undefined ? '' : `Date: ${new Date(Date.now() - days * day).toUTCString()}\r\n`
  return `Subject: ${word}\r\n${date}\r\n${'x'.repeat(size)}\r\n`
}

/** In the order of their ids, u1 to u5. */
const messages = [
  aged('today', 0),
  aged('month', 30),
  aged('years', 1000),
  aged('undated', undefined),
  aged('large', 30, 70_000),
]

async function open(select: object, options: SceneOptions = {}): Promise<Scene> {
  return openScene({
    messages,
    plan: (server) => ({
      accounts: [
        {
          name: 'alice',
          source: { ...server.source(), sessions: 'single', ...options.source },
          select,
          targets: [{ type: 'maildir', path: 'mail/{account}' }],
        },
      ],
    }),
    ...options,
  })
}

async function subjects(scene: Scene): Promise<string> {
  const files = await readMaildir(scene.folder.at('mail', 'alice'))
  return files
    .map(({ bytes }) => /Subject: (\w+)/.exec(String(bytes))?.[1])
    .toSorted()
    .join(' ')
}

const retrieved = ({ server }: Scene): readonly string[] => server.sessions.flatMap(({ retrieved: ids }) => ids)
const commands = ({ server }: Scene, verb: string): readonly string[] =>
  server.lines.filter((line) => line.startsWith(verb))
const listed = (events: readonly JsonEvent[]): JsonEvent | undefined =>
  events.find(({ type }) => type === 'account.listed')

const noTop: Hooks = { CAPA: () => rewrite((reply) => String(reply).replace('TOP\r\n', '')) }

describe.concurrent('`select`', () => {
  interface Row {
    readonly select: object
    /** The ids that are copied. */
    readonly ids: readonly string[]
    readonly found: string
  }

  const rows: readonly Row[] = [
    { select: { newerThan: '365d' }, ids: ['u1', 'u2', 'u4', 'u5'], found: 'large month today undated' },
    { select: { olderThan: '7d' }, ids: ['u2', 'u3', 'u4', 'u5'], found: 'large month undated years' },
    { select: { maxSize: '64KB' }, ids: ['u1', 'u2', 'u3', 'u4'], found: 'month today undated years' },
    { select: { newerThan: '365d', olderThan: '7d', maxSize: '64KB' }, ids: ['u2', 'u4'], found: 'month undated' },
  ]

  it.each(rows)('$select: the others are neither downloaded nor missing, and QUIT is sent', async (row) => {
    await using scene = await open(row.select)
    const { code, events } = await scene.run(['run', '--json'])
    const copied = row.ids.length
    expect(code).toBe(0)
    expect(listed(events)).toMatchObject({ messages: 5, missing: copied })
    expect(events.at(-1)).toMatchObject({ listed: 5, copied, filtered: 5 - copied, failed: 0, pending: 0 })
    expect(await subjects(scene)).toBe(row.found)
    expect(retrieved(scene)).toEqual(row.ids)
    expect(scene.server.sessions).toMatchObject([{ quit: true }])
    const again = await scene.run(['run', '--json'])
    expect(again.events.at(-1)).toMatchObject({ exitCode: 0, copied: 0, present: copied, filtered: 5 - copied })
    expect(retrieved(scene)).toEqual(row.ids)
    // What is there already is not looked at again; what is left out costs one TOP a run.
    const tops = 'newerThan' in row.select || 'olderThan' in row.select ? 5 - copied : 0
    const sized = 'maxSize' in row.select && 'newerThan' in row.select ? 1 : 0
    expect(scene.server.sessions[1]?.lines.filter((line) => line.startsWith('TOP'))).toHaveLength(tops - sized)
  })

  it.each<[string, Hooks, string]>([
    ['does not list TOP', noTop, 'auto'],
    ['refuses TOP', { TOP: () => send('-ERR not here\r\n') }, 'auto'],
    ['refuses TOP', { TOP: () => send('-ERR not here\r\n') }, 'off'],
    ['gives one line only', { TOP: () => send('+OK\r\nReceived: from x\r\n.\r\n') }, 'off'],
    ['gives no date', { TOP: () => send('+OK\r\nSubject: x\r\n\r\n.\r\n') }, 'auto'],
  ])('RET-24 a server that %s: judged when it has arrived (pipelining %s)', async (_name, hooks, pipelining) => {
    await using scene = await open({ newerThan: '365d' }, { hooks, source: { pipelining } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ listed: 5, copied: 4, filtered: 1, failed: 0 })
    expect(await subjects(scene)).toBe('large month today undated')
    expect(scene.server.retrs('u3')).toBe(1)
    expect(scene.server.sessions.at(-1)).toMatchObject({ quit: true })
    expect(commands(scene, 'TOP').length).toBe(
      'CAPA' in hooks ? 0 : 'TOP' in hooks && _name === 'refuses TOP' && pipelining === 'off' ? 3 : 5,
    )
  })

  it('RET-04 a header that ends at a lone dot forges no other: nothing is left out by it', async () => {
    const forged = 'Subject: evil\r\n.\r\n+OK\r\nDate: Mon, 01 Jan 2001 00:00:00 +0000\r\n\r\n.\r\n'
    await using scene = await open(
      { newerThan: '365d' },
      {
        hooks: { TOP: ({ uidl, session }) => (uidl === 'u1' && session === 1 ? send(`+OK\r\n${forged}`) : undefined) },
      },
    )
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ copied: 4, filtered: 1, failed: 0 })
    expect(await subjects(scene)).toBe('large month today undated')
  })

  it('a session that dies of a TOP: that message is judged by its download', async () => {
    await using scene = await open(
      { newerThan: '365d' },
      {
        hooks: {
          TOP: ({ uidl }) =>
            uidl === 'u2'
              ? (exchange) => {
                  exchange.close()
                }
              : undefined,
        },
      },
    )
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ copied: 4, filtered: 1, failed: 0 })
    expect(commands(scene, 'TOP 2')).toHaveLength(1)
  })

  it('CAP-07 a message that was fetched and left out is not given to a server that removes what was fetched', async () => {
    await using scene = await open(
      { newerThan: '365d' },
      {
        expire: true,
        capabilities: ['EXPIRE 0'],
        hooks: {
          CAPA: () => rewrite((reply) => String(reply).replace('TOP\r\n', '')),
        },
      },
    )
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.at(-1)).toMatchObject({ copied: 4, filtered: 1 })
    expect(scene.server.sessions).toMatchObject([{ quit: false }])
    expect(scene.server.messages).toHaveLength(5)
  })

  it('LST-14 a listed size that is too small: what arrives counts', async () => {
    const LIST = () => rewrite((reply) => String(reply).replaceAll(/^(\d+) \d+/gm, '$1 10'))
    await using scene = await open({ maxSize: '64KB' }, { hooks: { LIST } })
    const { events } = await scene.run(['run', '--json'])
    expect(events.at(-1)).toMatchObject({ exitCode: 0, copied: 4, filtered: 1 })
    expect(await subjects(scene)).toBe('month today undated years')
  })

  it('LST-14 a listed size that is too large leaves nothing out with `sizes: ignore`', async () => {
    const LIST = () => rewrite((reply) => String(reply).replaceAll(/^(\d+) \d+/gm, '$1 99999999'))
    await using scene = await open({ maxSize: '64KB' }, { hooks: { LIST }, source: { sizes: 'ignore' } })
    const { events } = await scene.run(['run', '--json'])
    expect(events.at(-1)).toMatchObject({ exitCode: 0, copied: 4, filtered: 1 })
  })

  it('LST-14 sizes that turn out to mean nothing: those left out by them are fetched after all', async () => {
    const many = Array.from({ length: 24 }, (_, index) => aged(`no${index}`, 1))
    // The last four are listed as too large.
    const LIST = () =>
      rewrite((reply) =>
        String(reply).replaceAll(/^(\d+) \d+/gm, (_line, n: string) => `${n} ${Number(n) > 20 ? 999_999 : 5000}`),
      )
    await using scene = await open({ maxSize: '64KB' }, { messages: many, hooks: { LIST } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(events.at(-1)).toMatchObject({ listed: 24, copied: 24, filtered: 0 })
    expect(code).toBe(0)
  })

  it('--dry-run names only what would be copied, and sends no RETR', async () => {
    await using scene = await open({ newerThan: '365d', maxSize: '64KB' })
    const { code, stdout } = await scene.run(['run', '--dry-run'])
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      expect.stringMatching(/^alice: would copy "u1"/),
      expect.stringMatching(/^alice: would copy "u2"/),
      expect.stringMatching(/^alice: would copy "u4"/),
      'Dry run: 3 of 5 messages of 1 account would be copied, 2 left out by `select`; nothing was written.',
    ])
    expect(commands(scene, 'RETR')).toEqual([])
  })

  it('--limit counts only what is wanted', async () => {
    await using scene = await open({ olderThan: '7d' })
    const { events } = await scene.run(['run', '--json', '--limit', '1'])
    expect(events.at(-1)).toMatchObject({ exitCode: 0, copied: 1, filtered: 1, pending: 3 })
    expect(await subjects(scene)).toBe('month')
  })

  it('what is left out today may be copied later; the summary tells of it', async () => {
    await using scene = await open({ olderThan: '7d' })
    const { stdout } = await scene.run(['run'])
    expect(stdout).toMatch(/^4 messages are safe: 4 copied, 1 left out by `select` /)
    await scene.plan({
      accounts: [
        { name: 'alice', source: scene.server.source(), targets: [{ type: 'maildir', path: 'mail/{account}' }] },
      ],
    })
    expect((await scene.run(['run', '--json'])).events.at(-1)).toMatchObject({ copied: 1, present: 4, filtered: 0 })
    expect(await subjects(scene)).toBe('large month today undated years')
  })

  it('what is there already is present, whatever `select` of the defaults says', async () => {
    await using scene = await open({})
    await scene.run(['run'])
    await scene.plan({
      defaults: { select: { newerThan: '365d' } },
      accounts: [
        { name: 'alice', source: scene.server.source(), targets: [{ type: 'maildir', path: 'mail/{account}' }] },
      ],
    })
    expect((await scene.run(['run', '--json'])).events.at(-1)).toMatchObject({ present: 5, filtered: 0 })
  })
})
