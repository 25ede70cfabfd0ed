import { execFileSync } from 'node:child_process'
import { appendFile, copyFile, mkdir, readdir, rename, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type Scene, snapshot } from './scene.js'
import { copied, edit, files, flip, found, inMaildir, mbox, sound, targets, zip } from './verified.js'

type Damage = (scene: Scene, names: readonly string[]) => Promise<void>
type Case = readonly [label: string, damage: Damage, messages: readonly string[]]

const cases: readonly Case[] = [
  ['Maildir: nothing happened', async () => undefined, []],
  [
    'Maildir: read by a mail program',
    async (scene, [one = '', two = '']) => {
      await rename(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', `${one}:2,S`))
      await rename(inMaildir(scene, 'new', two), inMaildir(scene, 'cur', `${two}:2,FRSa`))
    },
    [],
  ],
  [
    'Maildir: a file removed',
    async (scene, [one = '']) => unlink(inMaildir(scene, 'new', one)),
    ['maildir: missing u1'],
  ],
  [
    'Maildir: a byte flipped',
    async (scene, [one = '']) => flip(inMaildir(scene, 'new', one), 9),
    ['maildir: altered u1'],
  ],
  [
    'Maildir: cut off',
    async (scene, [one = '']) => truncate(inMaildir(scene, 'new', one), 20),
    ['maildir: altered u1'],
  ],
  [
    'Maildir: longer than it was',
    async (scene, [one = '']) => appendFile(inMaildir(scene, 'new', one), 'more\n'),
    ['maildir: altered u1'],
  ],
  [
    'Maildir: copied under another name',
    async (scene, names) => copyFile(inMaildir(scene, 'new', names[3] ?? ''), inMaildir(scene, 'cur', 'mine:2,S')),
    ['maildir: duplicated u4'],
  ],
  [
    'Maildir: copied under its name',
    async (scene, [one = '']) => copyFile(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', `${one}:2,`)),
    ['maildir: duplicated u1'],
  ],
  [
    'Maildir: renamed',
    async (scene, [one = '']) => rename(inMaildir(scene, 'new', one), inMaildir(scene, 'cur', '17.renamed.host:2,S')),
    [],
  ],
  [
    'Maildir: one of the twins removed',
    async (scene, names) => unlink(inMaildir(scene, 'new', names[1] ?? '')),
    // Which of the two had this file, its name knows.
    ['maildir: missing u?'],
  ],
  [
    'Maildir: one of the twins renamed over the other',
    async (scene, [, two = '', three = '']) => rename(inMaildir(scene, 'new', two), inMaildir(scene, 'new', three)),
    ['maildir: missing u?'],
  ],
  [
    'Maildir: gone',
    async (scene) => rm(inMaildir(scene), { recursive: true }),
    [1, 2, 3, 4].map((n) => `maildir: missing u${n}`),
  ],
  [
    'Maildir: other mail',
    async (scene) => writeFile(inMaildir(scene, 'new', 'other'), 'Subject: other\n\nnobody knows\n'),
    [],
  ],
  [
    'mbox: cut in the last message',
    async (scene) => truncate(mbox(scene), (await stat(mbox(scene))).size - 8),
    ['mbox: missing u4'],
  ],
  [
    'mbox: a byte flipped',
    async (scene) => edit(mbox(scene), (text) => text.replace('end', 'eNd')),
    ['mbox: altered u4'],
  ],
  [
    'mbox: a message appended twice',
    async (scene) => edit(mbox(scene), (text) => text + text.slice(text.lastIndexOf('From MAILER-DAEMON'))),
    ['mbox: duplicated u4'],
  ],
  [
    'mbox: marked by a mail program',
    async (scene) =>
      edit(mbox(scene), (text) =>
        text.replaceAll(
          /^(Subject: .*)\n/gm,
          '$1\nStatus: RO\nX-Status: A\nX-Keywords:\n folded\nX-UID: 7\nContent-Length: 9\n',
        ),
      ),
    [],
  ],
  [
    'mbox: the first message deleted by a mail program',
    async (scene) => edit(mbox(scene), (text) => text.slice(text.indexOf('From MAILER-DAEMON', 1))),
    ['mbox: missing u1'],
  ],
  [
    'mbox: the second message deleted, the others marked',
    async (scene) =>
      edit(mbox(scene), (text) => {
        const parts = text.split(/^(?=From MAILER-DAEMON)/m).map((part) => part.replace('\n\n', '\nStatus: O\n\n'))
        return parts.filter((_, index) => index !== 1).join('')
      }),
    ['mbox: missing u3'],
  ],
  [
    'mbox: changed by a mail program',
    async (scene) => edit(mbox(scene), (text) => text.replace('Subject: one', 'Subject: two')),
    ['mbox: altered u1'],
  ],
  [
    'mbox: sorted the other way round',
    async (scene) =>
      edit(mbox(scene), (text) =>
        text
          .split(/^(?=From MAILER-DAEMON)/m)
          .toReversed()
          .join(''),
      ),
    [],
  ],
  [
    'mbox: other mail before and behind',
    async (scene) =>
      edit(mbox(scene), (text) => `From me  x\nSubject: other\n\n\n${text}From me  x\nSubject: another\n\n\n`),
    [],
  ],
  ['mbox: gone', async (scene) => unlink(mbox(scene)), [1, 2, 3, 4].map((n) => `mbox: missing u${n}`)],
  [
    'mbox: a folder in its place',
    async (scene) => {
      await unlink(mbox(scene))
      await mkdir(mbox(scene))
    },
    [1, 2, 3, 4].map((n) => `mbox: missing u${n}`),
  ],
  ['zip: removed', async (scene) => unlink(zip(scene)), [1, 2, 3, 4].map((n) => `eml-zip: missing u${n}`)],
  [
    'zip: its directory damaged',
    async (scene) => truncate(zip(scene), (await stat(zip(scene))).size - 30),
    [1, 2, 3, 4].map((n) => `eml-zip: missing u${n}`),
  ],
  [
    'zip: copied',
    async (scene) => copyFile(zip(scene), scene.folder.at('mail', 'alice-0002.zip')),
    // The twins share one digest: the first one answers for both.
    ['eml-zip: duplicated u1', 'eml-zip: duplicated u2', 'eml-zip: duplicated u4'],
  ],
  [
    'zip: renamed to the next number',
    async (scene) => rename(zip(scene), scene.folder.at('mail', 'alice-0002.zip')),
    [],
  ],
]

describe.concurrent('verify', { timeout: 60_000 }, () => {
  it.each(cases)('%s', async (_, damage, messages) => {
    await using scene = await copied()
    await damage(scene, await files(scene))
    const before = await snapshot(scene.folder.path)
    const result = found(await scene.run(['verify', '--json']))
    expect({
      ...result,
      messages: result.messages.map((text) => (messages[0]?.endsWith('?') ? text.replace(/\d$/, '?') : text)),
    }).toMatchObject({ code: messages.length > 0 ? 3 : 0, messages })
    expect(await snapshot(scene.folder.path)).toEqual(before)
    // Only the run has signed in.
    expect(scene.server.sessions).toHaveLength(2)
  })

  it('a pipe in the place of a message keeps nobody waiting', async () => {
    await using scene = await copied()
    const [one = ''] = await files(scene)
    for (const path of [inMaildir(scene, 'new', one), mbox(scene), zip(scene)]) {
      await unlink(path)
      execFileSync('mkfifo', [path])
    }
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({
      code: 3,
      targets: { maildir: { missing: 1 }, mbox: { missing: 4 }, 'eml-zip': { missing: 4 } },
    })
  })

  it('zip: a message damaged', async () => {
    await using scene = await copied({
      plan: (server) => ({
        accounts: [{ name: 'alice', source: server.source(), targets: [{ ...targets[2], compression: 0 }] }],
      }),
    })
    await edit(zip(scene), (text) => text.replace('\r\nend\r\n', '\r\neNd\r\n'))
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({ code: 3, messages: ['eml-zip: altered u4'] })
  })

  it.each(['mboxo', 'mboxcl2'])('%s: deleted and marked by a mail program', async (variant) => {
    await using scene = await copied({
      plan: (server) => ({
        accounts: [{ name: 'alice', source: server.source(), targets: [{ ...targets[1], variant }] }],
      }),
    })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    await edit(mbox(scene), (text) => text.slice(text.indexOf('From MAILER-DAEMON', 1)))
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({ code: 3, messages: ['mbox: missing u1'] })
  })

  it('proves digests through line ends, quoting, added newlines and forms that cannot be turned back', async () => {
    const messages = ['', 'a', 'Subject: x\n\nbare\nFrom b\n>From c\r\n', '\0\r\r\n', `${'x'.repeat(9000)}\r\n>From `]
    await using scene = await copied({ messages })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    const [second = ''] = (await readdir(inMaildir(scene, 'new'))).filter((name) => name.includes('K'))
    await appendFile(inMaildir(scene, 'new', second), 'x')
    expect((await scene.run(['verify'])).code).toBe(3)
  })
})
