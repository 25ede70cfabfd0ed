import { describe, expect, it } from 'vitest'
import { close, delay, honest, kill, reset, send } from '../support/fake-actions.js'
import { readMaildir } from '../support/rig.js'
import { all, account, openScene, storedSubjects, threeMessages } from './scene.js'

const verbs = (lines: readonly string[]): readonly string[] => [
  ...new Set(lines.map((line) => line.split(' ')[0] ?? '')),
]

describe.concurrent('what a run says to the server', () => {
  it('LST-22, DEL-05 where it looks at headers, copies and deletes: neither LAST nor RSET', async () => {
    await using scene = await openScene({
      plan: (server) => ({
        accounts: [
          {
            ...account('alice', server.source()),
            select: { newerThan: '36500d', maxSize: '1MB' },
            afterCopy: 'delete',
          },
        ],
      }),
    })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.server.messages).toEqual([])
    expect(await scene.run(['check', '--quiet'])).toMatchObject({ code: 0 })
    const said = verbs(scene.server.lines)
    expect(said).toContain('DELE')
    expect(['AUTH', 'CAPA', 'DELE', 'LIST', 'NOOP', 'QUIT', 'RETR', 'STAT', 'TOP', 'UIDL']).toEqual(
      expect.arrayContaining([...said]),
    )
  })

  it('RET-25 in a dry run: nothing by which a server could think that a message was read', async () => {
    await using scene = await openScene()
    expect(await scene.run(['run', '--dry-run'])).toMatchObject({ code: 0 })
    expect(verbs(scene.server.lines).toSorted()).toEqual(['AUTH', 'CAPA', 'LIST', 'QUIT', 'STAT', 'UIDL'])
  })
})

describe.concurrent('a server that takes its time', () => {
  it('CON-03 before its first word to each command is waited for, far longer than for silence in a reply', async () => {
    const slow = { countOf: new Set(['AUTH', 'STAT', 'UIDL', 'RETR']) }
    await using scene = await openScene({
      plan: () => ({ timeouts: { stall: '1s' } }),
      hooks: {
        any: ({ event, count }) => (count === 1 && slow.countOf.has(event) ? [delay(1600), honest] : undefined),
      },
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, again: events.filter(({ type }) => type === 'retry') }).toEqual({ code: 0, again: [] })
    expect(await storedSubjects(scene)).toEqual(all)
  })

  it('SES-07 until nobody waits any more gets no further command on that connection', async () => {
    await using scene = await openScene({
      source: { pipelining: 'off' },
      plan: (server) => ({
        timeouts: { reply: '2s' },
        accounts: [
          {
            name: 'alice',
            source: { ...server.source(), pipelining: 'off' },
            targets: [{ type: 'maildir', path: 'm' }],
          },
        ],
      }),
      hooks: { LIST: ({ count }) => (count === 1 ? [delay(60_000), honest] : undefined) },
    })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.server.sessions[0]?.lines.at(-1)).toBe('LIST')
    expect(await readMaildir(scene.folder.at('m'))).toHaveLength(3)
  })
})

describe.concurrent('a server that goes away', () => {
  it('SES-09 to be started anew, and turns clients off meanwhile, gets the rest of the run when it is back', async () => {
    const gone = [send('-ERR [SYS/TEMP] Server shutting down\r\n'), close]
    await using scene = await openScene({
      plan: () => ({ retry: { attempts: 5, minDelay: '1ms', maxDelay: '2ms' } }),
      hooks: {
        RETR: ({ uidl, session }) => (uidl === 'u2' && session === 1 ? gone : undefined),
        greeting: ({ session }) => (session > 1 && session < 5 ? reset : undefined),
      },
    })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.server.sessions.length).toBeGreaterThanOrEqual(5)
    expect(await storedSubjects(scene)).toEqual(all)
    expect(scene.server.retrs('u1')).toBe(1)
  })

  it('SES-12 while the machine sleeps: the run goes on when it wakes', async () => {
    let pid = 0
    await using scene = await openScene({
      plan: () => ({ timeouts: { stall: '1s', reply: '1s' } }),
      hooks: {
        RETR: ({ uidl, session }) =>
          uidl === 'u2' && session === 1 ? [kill(pid, 'SIGSTOP'), delay(2500), reset, kill(pid, 'SIGCONT')] : undefined,
      },
    })
    await using running = scene.start(['run', '--quiet'])
    pid = running.pid
    expect(await running.finished).toMatchObject({ code: 0, stderr: '' })
    expect(scene.server.sessions.length).toBeGreaterThan(1)
    expect(await storedSubjects(scene)).toEqual(all)
  })
})

describe.concurrent('messages that are easily taken for each other, or for none', () => {
  it('MSG-01, MSG-02 equal ones, with one Message-ID or none at all, are each stored; a rerun stores nothing', async () => {
    const messages = [
      ...Array.from({ length: 20 }, (_, index) => `Subject: n${index}\r\n\r\nText.\r\n`),
      ...Array.from({ length: 10 }, () => 'Subject: same\r\n\r\nText.\r\n'),
      ...Array.from({ length: 10 }, () => 'Message-ID: <1@list>\r\nSubject: both\r\n\r\nText.\r\n'),
      ...Array.from({ length: 10 }, (_, index) => `Message-ID: <1@list>\r\nSubject: v${index}\r\n\r\nText.\r\n`),
    ]
    await using scene = await openScene({ messages })
    for (const copied of [50, 0]) {
      const { code, events } = await scene.run(['run', '--json'])
      expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 50, copied, present: 50 - copied } })
      const stored = (await readMaildir(scene.folder.at('mail', 'alice'))).map(({ bytes }) => bytes.toString())
      expect(stored.toSorted()).toEqual(messages.map((text) => text.replaceAll('\r\n', '\n')).toSorted())
    }
  })

  it('LST-17 a pseudo message of the server is copied like any other', async () => {
    const pseudo =
      'From: Mail System Internal Data <MAILER-DAEMON@host>\r\n' +
      "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\nX-IMAP: 1107000000 0000000042\r\nStatus: RO\r\n\r\n" +
      'This text is part of the internal format of your mail folder, and is not\r\na real message.\r\n'
    await using scene = await openScene({ messages: [pseudo, ...threeMessages] })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    const stored = (await readMaildir(scene.folder.at('mail', 'alice'))).map(({ bytes }) => bytes.toString())
    expect(stored).toHaveLength(4)
    expect(stored).toContain(pseudo.replaceAll('\r\n', '\n'))
    expect(await scene.run(['verify', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(scene.server.messages).toHaveLength(4)
  })
})
