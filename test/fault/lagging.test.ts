import { readdir } from 'node:fs/promises'
import { expect, it, vi } from 'vitest'
import type { ImapHook } from '../support/fake-imap-session.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { readMaildir, runPopferry, startPopferry, tempFolder, writePlan } from '../support/rig.js'
import { thorough } from './scene.js'

const text = 'All work and no play makes a mail server dull.\r\n'.repeat(600)
const messages = Array.from({ length: 700 }, (_, index) => `Subject: ${index}\r\n\r\n${text}`)
const ways = ['answers again', 'never answers, and popferry is killed'] as const

// With the patience of a real run, so only in `npm run test:fault`; with a clock of its own in test/pipeline/lagging.test.ts.
it.skipIf(!thorough).each(ways)(
  'an IMAP server stops reading and %s: the Maildir goes on, and each message is there once (skipped unless thorough)',
  async (way) => {
    const stall: ImapHook = ({ count }) => (count === 20 ? { stall: true } : undefined)
    await using pop = await FakePop3Server.start({ messages })
    await using imap = await FakeImapServer.start({ hooks: { APPEND: stall } })
    await using folder = await tempFolder()
    const targets = [imap.target(), { type: 'maildir', path: 'mail', newline: 'crlf' }]
    const accounts = [{ name: 'alice', source: pop.source(), targets }]
    await writePlan(folder, { accounts, limits: { memory: '4MB' }, timeouts: { settle: '500ms' } })
    await using running = startPopferry(['run', '--json'], { cwd: folder.path })
    const allThere = async (): Promise<void> => {
      expect(await readdir(folder.at('mail', 'new'))).toHaveLength(messages.length)
    }
    await vi.waitFor(allThere, { timeout: 60_000, interval: 500 })
    expect(imap.store.messages('INBOX').length).toBeLessThan(messages.length)
    if (way === 'answers again') imap.release()
    else running.kill('SIGKILL')
    const { code } = await running.finished
    expect(code).toBe(way === 'answers again' ? 0 : null)
    expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
    const inImap = imap.store.messages('INBOX').map(({ bytes }) => bytes.toString('latin1'))
    const inMaildir = (await readMaildir(folder.at('mail'))).map(({ bytes }) => bytes.toString('latin1'))
    expect(inImap.toSorted()).toEqual(messages.toSorted())
    expect(inMaildir.toSorted()).toEqual(messages.toSorted())
  },
  120_000,
)
