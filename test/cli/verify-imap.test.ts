import { describe, expect, it } from 'vitest'
import { openImapScene } from './imap-scene.js'
import { found, sound } from './verified.js'

const three = ['one', 'two', 'three'].map((word) => `Subject: ${word}\r\n\r\nText ${word}.\r\n`)

describe.concurrent('verify an IMAP folder', { timeout: 60_000 }, () => {
  it('names what is missing, altered and there twice; what a mail program flagged or moved to new UIDs is sound', async () => {
    await using scene = await openImapScene()
    const { store } = scene.imap
    await scene.run(['run'])
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    const [one, two] = store.messages('INBOX')
    store.remove('INBOX', one?.uid ?? 0)
    store.add('INBOX', { bytes: one?.bytes ?? Buffer.of(), flags: ['\\Seen'], date: undefined })
    store.add('INBOX', { bytes: Buffer.from('Subject: foreign\r\n\r\n'), flags: [], date: undefined })
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    store.add('INBOX', { bytes: one?.bytes ?? Buffer.of(), flags: [], date: undefined })
    store.alter('INBOX', two?.uid ?? 0)
    store.remove('INBOX', store.messages('INBOX')[1]?.uid ?? 0)
    const before = scene.stored()
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({
      code: 3,
      messages: ['imap: altered u2', 'imap: duplicated u1', 'imap: missing u3'],
    })
    expect(scene.stored()).toEqual(before)
    expect(scene.imap.lines.filter((line) => /STORE|EXPUNGE|CREATE|BODY\[/.test(line))).toEqual([])
  })

  it('a folder with a new UIDVALIDITY is told by content (QUIRKS APP-20)', async () => {
    await using scene = await openImapScene()
    await scene.run(['run'])
    scene.imap.store.uidValidity++
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
  })

  it('knows messages whose UIDs the server never told', async () => {
    await using scene = await openImapScene({ imap: { capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] }, messages: three })
    await scene.run(['run'])
    expect(found(await scene.run(['verify', '--json']))).toEqual(sound)
    scene.imap.store.remove('INBOX', 2)
    expect(found(await scene.run(['verify', '--json']))).toMatchObject({ code: 3, messages: ['imap: missing u2'] })
  })

  it('a folder that is gone, and a server that cannot be reached', async () => {
    await using scene = await openImapScene({ target: { folder: 'Archive' } })
    await scene.run(['run'])
    scene.imap.store.delete('Archive')
    const gone = await scene.run(['verify', '--json'])
    expect(found(gone)).toMatchObject({ code: 3, targets: { imap: { missing: 3, altered: 0, duplicated: 0 } } })
    expect(scene.imap.store.names()).toEqual(['INBOX'])
    await scene.imap[Symbol.asyncDispose]()
    const { code, stdout } = await scene.run(['verify'])
    expect(code).toBe(75)
    expect(stdout).toMatch(/^1 of 1 target could not be read to the end:\n {2}alice, target imap: .*refused/)
  })

  it('needs the secret of the target', async () => {
    await using scene = await openImapScene({ target: { password: { env: 'TARGET_PW' } } })
    const env = { TARGET_PW: 'secret' }
    await scene.run(['run'], { env })
    expect(await scene.run(['verify'], { env })).toMatchObject({ code: 0 })
    expect(await scene.run(['verify'])).toMatchObject({ code: 2, stdout: '' })
  })
})
