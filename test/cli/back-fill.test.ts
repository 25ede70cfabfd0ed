import { readdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readMaildir, readMboxrd } from '../support/rig.js'
import { messagesOf } from '../support/zip.js'
import { type ImapScene, openImapScene } from './imap-scene.js'

const large = `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(80_000)}`
const messages = [
  'Subject: one\r\n\r\nFrom here\r\n>From\r\n',
  'Subject: no end\r\n\r\nx',
  large,
  'Subject: last\r\n\r\n\r\n',
]
const kinds = ['maildir', 'mbox', 'eml-zip', 'imap'] as const
type Kind = (typeof kinds)[number]

async function scene(): Promise<ImapScene> {
  return openImapScene({ messages })
}

async function plan(at: ImapScene, targets: readonly Kind[]): Promise<void> {
  const { server, imap } = at
  const all = {
    maildir: { type: 'maildir', path: 'mail' },
    mbox: { type: 'mbox', path: 'mail.mbox' },
    'eml-zip': { type: 'eml-zip', path: 'zips/mail.zip' },
    imap: imap.target(),
  }
  const timeouts = { settle: '300ms' }
  await at.plan({
    timeouts,
    accounts: [{ name: 'alice', source: server.source(), targets: targets.map((kind) => all[kind]) }],
  })
}

/** What a target holds, as it came. */
async function stored(at: ImapScene, kind: Kind): Promise<readonly string[]> {
  if (kind === 'imap') return at.stored()
  if (kind === 'eml-zip') {
    const all = await messagesOf(at.folder.at('zips', 'mail.zip'))
    return all.map(({ bytes }) => bytes.toString('latin1'))
  }
  const files =
    kind === 'maildir' ? await readMaildir(at.folder.at('mail')) : await readMboxrd(at.folder.at('mail.mbox'))
  return files.map(({ bytes }) => bytes.toString('latin1').replaceAll('\n', '\r\n')).toSorted()
}

/** Without the line end that an mbox adds. */
const plainly = (texts: readonly string[]): readonly string[] => texts.map((text) => text.trimEnd()).toSorted()

describe('a target that is added when the server does not list everything any more', () => {
  it.each(kinds)('gets from the %s what only that has, once', async (donor) => {
    await using at = await scene()
    await plan(at, [donor])
    expect(await at.run(['run', '--quiet'])).toMatchObject({ code: 0 })
    at.server.messages = at.server.messages.slice(3)
    await plan(at, kinds)
    for (let run = 0; run < 2; run++) {
      expect(await at.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
      for (const kind of kinds) expect(plainly(await stored(at, kind)), kind).toEqual(plainly(messages))
    }
    expect(at.server.retrs('u1')).toBe(1)
    expect((await at.run(['verify', '--quiet'])).code).toBe(0)
  })

  it('says what cannot be had because the copy is not what was sent', async () => {
    await using at = await scene()
    await plan(at, ['maildir'])
    await at.run(['run', '--quiet'])
    const [name = ''] = (await readMaildir(at.folder.at('mail'))).flatMap(({ name, bytes }) =>
      bytes.includes('Subject: one') ? [name] : [],
    )
    const file = at.folder.at('mail', (await readdir(at.folder.at('mail', 'new'))).includes(name) ? 'new' : 'cur', name)
    await writeFile(file, `${await readFile(file, 'latin1')}changed\n`)
    at.server.messages = at.server.messages.slice(3)
    await plan(at, ['maildir', 'imap'])
    for (let run = 0; run < 2; run++) {
      const { code, events } = await at.run(['run', '--json'])
      expect(code).toBe(3)
      expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
        {
          account: 'alice',
          code: 'not-at-source',
          message: expect.stringMatching(/^1 messages .*: missing in imap$/) as string,
        },
      ])
      expect(at.stored()).toHaveLength(3)
    }
  })

  it('is left alone where it was stopped, and catches up later', async () => {
    await using at = await scene()
    await plan(at, ['maildir'])
    await at.run(['run', '--quiet'])
    at.server.messages = at.server.messages.slice(3)
    await at.plan({
      accounts: [
        {
          name: 'alice',
          source: at.server.source(),
          targets: [{ type: 'maildir', path: 'mail' }, at.imap.target({ password: 'wrong' })],
        },
      ],
    })
    expect((await at.run(['run', '--json'])).events.filter(({ type }) => type === 'warning')).toEqual([])
    await plan(at, ['maildir', 'imap'])
    expect(await at.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(plainly(at.stored())).toEqual(plainly(messages))
  })
})
