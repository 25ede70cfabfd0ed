import { readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { kill } from '../support/fake-actions.js'
import { readMaildir, readMboxrd } from '../support/rig.js'
import { openImapScene } from './imap-scene.js'
import { account, openScene, rawControl, type Scene } from './scene.js'
import { copied, edit, files, flip, found, fourMessages, inMaildir, mbox, sound, zip } from './verified.js'

/** All that the source still has. */
async function sourceText({ server }: Scene): Promise<string> {
  const chunks: Uint8Array[] = []
  for (const message of server.messages) for await (const chunk of message.open()) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

type Damage = (scene: Scene) => Promise<void>

const damages: readonly (readonly [label: string, damage: Damage])[] = [
  ['nothing', async () => undefined],
  [
    'two files of the Maildir',
    async (scene) => {
      const names = await files(scene)
      for (const name of [names[0] ?? '', names[2] ?? '']) await unlink(inMaildir(scene, 'new', name))
    },
  ],
  ['the Maildir', async (scene) => rm(inMaildir(scene), { recursive: true })],
  ['all files of the Maildir', async (scene) => rm(inMaildir(scene, 'new'), { recursive: true })],
  ['the mbox', async (scene) => unlink(mbox(scene))],
  ['all of the mbox', async (scene) => truncate(mbox(scene), 0)],
  [
    'the last message of the mbox',
    async (scene) => truncate(mbox(scene), (await readFile(mbox(scene), 'latin1')).lastIndexOf('From MAILER-DAEMON')),
  ],
  [
    'the first message of the mbox, deleted by a mail program that marks the others',
    async (scene) => {
      const text = await readFile(mbox(scene), 'latin1')
      await unlink(mbox(scene))
      const left = text.slice(text.indexOf('From MAILER-DAEMON', 1))
      await writeFile(mbox(scene), left.replaceAll(/^(Subject: .*)$/gm, '$1\nStatus: RO'))
    },
  ],
  ['the archive', async (scene) => unlink(zip(scene))],
  ['everything', async (scene) => rm(scene.folder.at('mail'), { recursive: true })],
]

/** The last command finds everything at every target, once. */
async function expectSound(scene: Scene): Promise<void> {
  expect(found(await scene.run(['verify', '--source', '--json']))).toEqual(sound)
  expect(await readMboxrd(mbox(scene))).toHaveLength(fourMessages.length)
}

describe.concurrent('run --repair', { timeout: 60_000 }, () => {
  it.each(damages)('copies again what is missing: %s', async (_, damage) => {
    await using scene = await copied()
    await damage(scene)
    const { code, stderr } = await scene.run(['run', '--repair', '--quiet'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expectSound(scene)
    // The records are right again: nobody has to look for anything.
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
  })

  it('without --repair nothing is copied again, as nobody has asked for it (QUIRKS FS-12)', async () => {
    await using scene = await copied()
    const [one = ''] = await files(scene)
    await unlink(inMaildir(scene, 'new', one))
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '' })
    expect((await scene.run(['verify'])).code).toBe(3)
  })

  it('leaves altered messages and copies too many as they are, says so, and exits 3', async () => {
    await using scene = await copied()
    const [one = '', , , four = ''] = await files(scene)
    await flip(inMaildir(scene, 'new', one), 9)
    await unlink(inMaildir(scene, 'new', four))
    await edit(mbox(scene), (text) => text + text.slice(text.lastIndexOf('From MAILER-DAEMON')))
    const altered = await readFile(inMaildir(scene, 'new', one))
    const { code, stdout, stderr } = await scene.run(['run', '--repair'])
    expect(code).toBe(3)
    expect(stderr).toContain('target maildir: of 4 messages 1 is altered')
    expect(stderr).toContain('target mbox: of 4 messages 1 is there more than once')
    expect(stdout + stderr).not.toMatch(rawControl)
    expect(await readFile(inMaildir(scene, 'new', one))).toEqual(altered)
    const left = found(await scene.run(['verify', '--json']))
    expect(left.messages).toEqual(['maildir: altered u1', 'mbox: duplicated u4'])
    await unlink(inMaildir(scene, 'new', one))
    expect((await scene.run(['run', '--repair'])).code).toBe(3)
    expect(found(await scene.run(['verify', '--json'])).messages).toEqual(['mbox: duplicated u4'])
  })

  it('what it finds altered is not deleted at the source, though its copy was good once', async () => {
    await using scene = await openScene({
      plan: (server) => ({ accounts: [{ ...account('alice', server.source()), afterCopy: { deleteAfter: '1s' } }] }),
    })
    await scene.run(['run'])
    const [one] = await readMaildir(scene.folder.at('alice'))
    if (!one) throw new Error('an empty Maildir')
    await flip(scene.folder.at('alice', 'new', one.name), 9)
    await new Promise((resolve) => {
      setTimeout(resolve, 1000)
    })
    expect(await scene.run(['run', '--repair'])).toMatchObject({ code: 3 })
    expect(scene.server.messages).toHaveLength(1)
    expect(String(one.bytes)).toContain(String(/Subject: \w+/.exec(await sourceText(scene))))
  })

  it('takes what is missing and not on the server any more from another target', async () => {
    await using scene = await copied()
    const [one = ''] = await files(scene)
    await unlink(inMaildir(scene, 'new', one))
    scene.server.messages = []
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
  })

  it('names what is missing, not on the server any more and at no other target, in every run, until it is there again', async () => {
    await using scene = await openScene({ plan: (server) => ({ accounts: [account('alice', server.source())] }) })
    await scene.run(['run'])
    const [one] = await readMaildir(scene.folder.at('alice'))
    if (!one) throw new Error('an empty Maildir')
    const path = scene.folder.at('alice', 'new', one.name)
    await unlink(path)
    scene.server.messages = []
    for (const args of [
      ['run', '--repair', '--json'],
      ['run', '--json'],
    ]) {
      const { code, events } = await scene.run(args)
      expect(code).toBe(3)
      expect(events.find(({ type }) => type === 'message.failed')).toMatchObject({
        target: 'maildir',
        code: 'not-at-source',
      })
    }
    expect(await scene.run(['verify'])).toMatchObject({ code: 3 })
    await writeFile(scene.folder.at('alice', 'cur', 'restored:2,S'), one.bytes)
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.run(['verify'])).toMatchObject({ code: 0 })
  })

  it.each([1, 2, 3, 4])(
    'killed while it fetches message %i: the next run goes on, with or without --repair',
    async (number) => {
      await using scene = await copied()
      await rm(scene.folder.at('mail'), { recursive: true })
      let pid = 0
      scene.server.hooks = { RETR: ({ uidl }) => (uidl === `u${number}` ? [kill(pid)] : undefined) }
      await using running = scene.start(['run', '--repair', '--quiet'])
      pid = running.pid
      expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
      scene.server.hooks = {}
      const again = await scene.run(['run', '--quiet', ...(number % 2 === 0 ? ['--repair'] : [])])
      expect(again).toMatchObject({ code: 0, stderr: '' })
      await expectSound(scene)
    },
  )

  it('is refused with --dry-run', async () => {
    await using scene = await copied()
    expect(await scene.run(['run', '--repair', '--dry-run'])).toMatchObject({ code: 2, stdout: '' })
  })

  it('of an IMAP folder', async () => {
    await using scene = await openImapScene()
    await scene.run(['run'])
    scene.imap.store.remove('INBOX', 2)
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(scene.stored()).toHaveLength(3)
    for (const { uid } of [...scene.imap.store.messages('INBOX')]) scene.imap.store.remove('INBOX', uid)
    scene.imap.store.uidValidity++
    expect(await scene.run(['run', '--repair', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(scene.stored()).toHaveLength(3)
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
  })
})
