import { copyFile, readdir, rm, unlink } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { memoryMessage } from '../../src/sample/message.js'
import { stall } from '../support/fake-actions.js'
import { account, openScene, printed, rawControl, snapshot } from './scene.js'
import { copied, edit, files, found, fourMessages, inMaildir, mbox, sound, targets } from './verified.js'

describe.concurrent('verify', { timeout: 60_000 }, () => {
  it('tells people in few words, and with --quiet nothing where all is well', async () => {
    await using scene = await copied()
    const { code, stdout, stderr } = await scene.run(['verify'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^All 12 copies of 1 account are intact \(\d+ B in \d+ s\)\.\n$/)
    expect(await scene.run(['verify', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const [one = ''] = await files(scene)
    await unlink(inMaildir(scene, 'new', one))
    await edit(mbox(scene), (text) => text.replace('end', 'eNd'))
    const wrong = await scene.run(['verify', '--quiet'])
    expect(wrong).toMatchObject({ code: 3, stderr: '' })
    expect(wrong.stdout).toBe(
      [
        'Of 12 copies: 1 missing, 1 altered:',
        '  alice, target maildir: 1 missing of 4',
        '    missing "u1"',
        '  alice, target mbox: 1 altered of 4',
        '    altered "u4"',
        '`popferry run --repair` copies again what is missing.',
        '',
      ].join('\n'),
    )
    const coloured = await scene.run(['verify'], { env: { FORCE_COLOR: '1' } })
    expect(coloured.stdout).toContain('\u001b[31mOf 12 copies')
    expect((await scene.run(['verify', '--no-color'], { env: { FORCE_COLOR: '1' } })).stdout).not.toContain('\u001b')
  })

  it('CON-06 shows hostile ids and file names escaped', async () => {
    const uidl = '\u001b]0;x\u0007'
    await using scene = await copied({ messages: [memoryMessage(uidl, Buffer.from(fourMessages[3] ?? ''))] })
    const [one = ''] = await readdir(inMaildir(scene, 'new'))
    await copyFile(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', 'a\u001b[2J\n\u202eb:2,S'))
    const { code, stdout } = await scene.run(['verify'])
    expect(code).toBe(3)
    expect(stdout).not.toMatch(rawControl)
    expect(stdout).toContain('a\\x1b[2J\\x0a\\u{202e}b')
    expect((await scene.run(['verify', '--json'])).events[0]).toMatchObject({ defect: 'duplicated' })
  })

  it('before the first run there is nothing to verify, and nothing is written', async () => {
    await using scene = await openScene()
    const before = await snapshot(scene.folder.path)
    const { code, stdout } = await scene.run(['verify'])
    expect(code).toBe(0)
    expect(stdout).toBe('Nothing of 1 account is stored yet: there is nothing to read back.\n')
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })

  it('needs no secret; --source does', async () => {
    await using scene = await openScene({ source: { password: { env: 'ALICE_PW' } } })
    await scene.run(['run'], { env: { ALICE_PW: 'secret' } })
    expect(await scene.run(['verify'])).toMatchObject({ code: 0, stderr: '' })
    expect(await scene.run(['verify', '--source'])).toMatchObject({ code: 2, stdout: '' })
    expect(await scene.run(['verify', '--source'], { env: { ALICE_PW: 'secret' } })).toMatchObject({ code: 0 })
  })

  it('waits for nobody: exit 4 while a run works, and the run goes on', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
    await using running = scene.start(['run', '--json'])
    await printed(running, '"target":"mbox","messages":1,"copied":1')
    const { code, stdout, stderr } = await scene.run(['verify'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain(String(running.pid))
  })

  it('an account at a time, by globs', async () => {
    const users = { bob: { password: 'x', messages: ['Subject: bob\r\n\r\n'] } }
    await using scene = await openScene({
      users,
      plan: (server) => ({ accounts: [account('alice', server.source()), account('bob', server.source('bob'))] }),
    })
    await scene.run(['run'])
    await rm(scene.folder.at('bob'), { recursive: true })
    expect(await scene.run(['verify', '--account', 'al*'])).toMatchObject({ code: 0 })
    const { code, events } = await scene.run(['verify', '--account', '*b', '--json'])
    expect(code).toBe(3)
    expect(events.map(({ type }) => type)).toEqual(['verify.message', 'verify.account', 'verify.finished'])
  })

  it('a series: every place that a receipt names, and no other', async () => {
    const series = ['mail/{run}/{account}', 'mail/{run}.mbox', 'mail/{run}.zip']
    await using scene = await copied({
      plan: (server) => ({
        accounts: [
          {
            name: 'alice',
            source: server.source(),
            targets: targets.map((target, index) => ({ ...target, path: series[index] })),
          },
        ],
      }),
    })
    scene.server.messages = [...fourMessages, 'Subject: new\r\n\r\n']
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0 })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    const [first = ''] = (await readdir(scene.folder.at('mail'))).filter((name) => name.endsWith('.mbox')).toSorted()
    await unlink(scene.folder.at('mail', first))
    await unlink(scene.folder.at('mail', first.replace('.mbox', '.zip')))
    await rm(scene.folder.at('mail', first.replace('.mbox', '')), { recursive: true })
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({
      code: 3,
      targets: { maildir: { missing: 4 }, mbox: { missing: 4 }, 'eml-zip': { missing: 4 } },
    })
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops at %s with exit code %i, and concludes nothing', async (signal, code) => {
    await using scene = await openScene({
      messages: Array.from({ length: 1000 }, (_, index) => `Subject: ${index}\r\n\r\n`),
      plan: (server) => ({ accounts: [{ name: 'alice', source: server.source(), targets: targets.slice(0, 1) }] }),
    })
    await scene.run(['run', '--quiet'])
    const quits = scene.server.sessions.length
    await using running = scene.start(['verify', '--source'])
    // It has signed in and goes on to read.
    await scene.server.seen('QUIT', quits + 1)
    running.kill(signal)
    const ended = await running.finished
    expect(ended).toMatchObject({ code, signal: null })
    expect(ended.stdout).toMatch(/^Stopped after [\d,]+ messages?; nothing is concluded/)
  })

  it('two accounts in one Maildir are no copies of each other', async () => {
    const users = { bob: { password: 'x', messages: fourMessages } }
    const shared = [{ type: 'maildir', path: 'shared' }]
    await using scene = await openScene({
      messages: fourMessages,
      users,
      plan: (server) => ({
        accounts: [
          { name: 'alice', source: server.source(), targets: shared },
          { name: 'bob', source: server.source('bob'), targets: shared },
        ],
      }),
    })
    await scene.run(['run'])
    expect(await scene.run(['verify'])).toMatchObject({ code: 0 })
    expect(await scene.run(['verify', '--account', 'bob'])).toMatchObject({ code: 0 })
  })
})

describe.concurrent('verify --source', { timeout: 60_000 }, () => {
  it('names what the maildrop holds and the targets do not; no RETR', async () => {
    await using scene = await copied()
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    expect(await scene.run(['verify', '--source', '--quiet'])).toMatchObject({ code: 0, stdout: '' })
    scene.server.messages = [...fourMessages, 'Subject: new\r\n\r\n']
    const before = await snapshot(scene.folder.path)
    const { code, stdout } = await scene.run(['verify', '--source'])
    expect(code).toBe(3)
    expect(stdout).toBe(
      '1 message on the servers is not copied:\n  alice, source: 1 of 5 not copied\n    not copied "u5"\n',
    )
    const { events } = await scene.run(['verify', '--source', '--json'])
    expect(events.map(({ type, defect, uidl }) => [type, defect, uidl])).toEqual([
      ['verify.message', 'uncopied', 'u5'],
      ['verify.account', undefined, undefined],
      ['verify.finished', undefined, undefined],
    ])
    expect(events[1]).toMatchObject({ source: { ok: false, listed: 5, uncopied: 1 } })
    expect(await snapshot(scene.folder.path)).toEqual(before)
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
  })

  it('what `select` leaves out is not missed', async () => {
    await using scene = await copied({
      plan: (server) => ({
        accounts: [{ name: 'alice', source: server.source(), select: { maxSize: '1KB' }, targets }],
      }),
    })
    scene.server.messages = [...fourMessages, `Subject: large\r\n\r\n${'x'.repeat(2000)}\r\n`]
    expect(await scene.run(['verify', '--source'])).toMatchObject({ code: 0 })
  })

  it('a server that cannot be reached is exit 75, with what the targets hold all the same', async () => {
    await using scene = await copied()
    await scene.server[Symbol.asyncDispose]()
    const { code, stdout } = await scene.run(['verify', '--source'])
    expect(code).toBe(75)
    expect(stdout).toMatch(/^1 of 1 maildrop could not be compared:\n {2}alice, source: .*refused/)
  })
})
