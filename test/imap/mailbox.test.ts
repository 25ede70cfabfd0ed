import { describe, expect, it } from 'vitest'
import { type Mailbox, openMailbox } from '../../src/imap/mailbox.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import { open } from './opened.js'

interface Opened {
  readonly server: FakeImapServer
  readonly mailbox: Mailbox | undefined
  readonly error: unknown
  readonly warnings: readonly string[]
}

async function opened(folder: string, options: FakeImapOptions = {}): Promise<Opened> {
  await using server = await FakeImapServer.start(options)
  const { dialogue, capabilities } = await open(server)
  const warnings: string[] = []
  const warn = (code: string): number => warnings.push(code)
  let error: unknown
  const mailbox = await openMailbox(dialogue, { folder, capabilities, create: true, warn }).catch((reason: unknown) => {
    error = reason
    return undefined
  })
  return { server, mailbox, error, warnings }
}

describe('openMailbox', () => {
  it('opens the INBOX', async () => {
    const { mailbox } = await opened('INBOX', { uidValidity: 9 })
    expect(mailbox).toEqual({
      name: 'INBOX',
      uidValidity: 9,
      uidNext: 1,
      messages: 0,
      permanentFlags: undefined,
      appendLimit: 2 ** 32 - 1, // prettier-ignore
    })
  })

  it('makes and subscribes a folder below the prefix, encoded (QUIRKS APP-05, APP-14, APP-15)', async () => {
    const { server, mailbox } = await opened('Arch & 日本/Ж', { delimiter: '.', prefix: 'INBOX.' })
    expect(mailbox?.name).toBe('INBOX.Arch &- &ZeVnLA-.&BBY-')
    expect(server.store.names()).toEqual(['INBOX', mailbox?.name])
    expect(server.store.subscribed).toEqual(new Set([mailbox?.name]))
  })

  it('asks LIST for the delimiter where there is no NAMESPACE', async () => {
    const { mailbox } = await opened('a/b', { delimiter: '\\\\', capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] })
    expect(mailbox?.name).toBe('a\\b')
  })

  it('does not send a command inside a folder name (QUIRKS APP-21)', async () => {
    const { server, mailbox } = await opened('x"\r\nA9 LOGOUT')
    expect(mailbox?.name).toBe('x"&AA0ACg-A9 LOGOUT')
    expect(server.seen('LOGOUT')).toBe(0)
  })

  it('knows a limit for all mailboxes, and of one (RFC 7889)', async () => {
    const all = await opened('INBOX', { capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'APPENDLIMIT=1000'] })
    expect(all.mailbox?.appendLimit).toBe(1000)
    const one = await opened('INBOX', {
      capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'APPENDLIMIT'],
      hooks: { STATUS: () => ({ reply: '* STATUS "INBOX" (APPENDLIMIT 2000)\r\nTAG OK done\r\n' }) },
    })
    expect(one.mailbox?.appendLimit).toBe(2000)
  })

  it.each([
    [['IMAP4rev1'], 2 ** 32 - 1],
    [['IMAP4rev1', 'APPENDLIMIT=99999999999'], 2 ** 32 - 1],
    [['IMAP4rev1', 'IMAP4rev2'], undefined],
    [['IMAP4rev1', 'IMAP4rev2', 'APPENDLIMIT=99999999999'], 99_999_999_999],
  ])('of %j takes no literal whose length has more bits than it reads (QUIRKS APP-24)', async (names, limit) => {
    const { mailbox } = await opened('INBOX', { capabilities: [...names, 'AUTH=PLAIN'] })
    expect(mailbox?.appendLimit).toBe(limit)
  })

  it('knows which flags a server keeps (QUIRKS APP-13)', async () => {
    const { mailbox } = await opened('INBOX', { permanentFlags: '(\\Seen \\Deleted)' })
    expect(mailbox?.permanentFlags).toEqual(new Set(['\\seen', '\\deleted']))
  })

  it('goes on where another has made the folder meanwhile, and where SUBSCRIBE is refused', async () => {
    const { mailbox, warnings } = await opened('new', {
      hooks: {
        CREATE: () => ({ act: true, reply: 'TAG NO [ALREADYEXISTS] there it is\r\n' }),
        SUBSCRIBE: () => ({ reply: 'TAG NO we do not do that\r\n' }),
      },
    })
    expect(mailbox?.name).toBe('new')
    expect(warnings).toEqual(['not-subscribed'])
  })

  it.each<[string, string, FakeImapOptions, string]>([
    [
      'CREATE is refused',
      'new',
      { hooks: { CREATE: () => ({ reply: 'TAG NO reserved name\r\n' }) } },
      'folder-refused',
    ],
    [
      'the mailbox is full',
      'new',
      { hooks: { CREATE: () => ({ reply: 'TAG NO [OVERQUOTA] full\r\n' }) } },
      'over-quota',
    ],
    [
      'the server is sick',
      'x',
      { hooks: { SELECT: () => ({ reply: 'TAG NO [UNAVAILABLE] later\r\n' }) } },
      'server-busy',
    ],
    [
      'it is read-only',
      'INBOX',
      { hooks: { SELECT: () => ({ reply: 'TAG OK [READ-ONLY] look\r\n' }) } },
      'folder-refused',
    ],
    ['there are no levels', 'a/b', { delimiter: '', capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] }, 'folder-refused'],
  ])('says so where %s', async (_, folder, options, code) => {
    const { error } = await opened(folder, options)
    expect(error).toMatchObject({ code })
  })
})
