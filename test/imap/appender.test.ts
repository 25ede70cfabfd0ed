import { describe, expect, it } from 'vitest'
import { type Answer, Appender, internalDate, type Upload } from '../../src/imap/appender.js'
import { openMailbox } from '../../src/imap/mailbox.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import { open } from './opened.js'

function upload(bytes: string | Buffer, more: Partial<Upload> = {}): Upload {
  const all = Buffer.from(bytes)
  return {
    size: all.length,
    bytes: all,
    async *open() {
      for (let at = 0; at < all.length; at += 1000) yield all.subarray(at, at + 1000)
    },
    date: Date.UTC(2020, 0, 1),
    binary: false,
    ...more,
  }
}

async function append(
  server: FakeImapServer,
  uploads: readonly Upload[],
): Promise<readonly PromiseSettledResult<Answer>[]> {
  const { dialogue, capabilities } = await open(server)
  const mailbox = await openMailbox(dialogue, { folder: 'INBOX', capabilities, create: true, warn: () => undefined })
  const appender = new Appender(dialogue, mailbox, { flags: ['\\Seen'], capabilities })
  return Promise.allSettled(uploads.map(async (one) => appender.append(one)))
}

const plain = ['IMAP4rev1', 'AUTH=PLAIN', 'UIDPLUS']
const letters = Array.from({ length: 25 }, (_, index) => `Subject: ${index}\r\n\r\n${'A9 LOGOUT\r\n'.repeat(index)}`)

describe('Appender', () => {
  it.each<[string, readonly string[], number]>([
    ['MULTIAPPEND', [...plain, 'LITERAL+', 'MULTIAPPEND'], 1],
    ['LITERAL+', [...plain, 'LITERAL+'], 25],
    ['LITERAL-', [...plain, 'LITERAL-'], 25],
    ['literals that wait for an invitation', plain, 25],
    ['MULTIAPPEND with such literals', [...plain, 'MULTIAPPEND'], 1],
  ])('stores with %s, in order, and knows each UID', async (_, capabilities, commands) => {
    await using server = await FakeImapServer.start({ capabilities })
    const answers = await append(
      server,
      letters.map((letter) => upload(letter)),
    )
    const stored = server.store.messages('INBOX')
    expect(stored.map(({ bytes }) => bytes.toString())).toEqual(letters)
    expect(stored[0]).toMatchObject({ flags: ['\\Seen'], date: ' 1-Jan-2020 00:00:00 +0000' })
    expect(server.seen('APPEND')).toBe(commands)
    expect(answers.map((one) => (one.status === 'fulfilled' ? one.value.uid : 0))).toEqual(
      letters.map((__, n) => n + 1),
    )
    expect(server.seen('LOGOUT')).toBe(0)
  })

  it('sends LITERAL- no more than 4096 octets uninvited (QUIRKS APP-09)', async () => {
    await using server = await FakeImapServer.start({ capabilities: [...plain, 'LITERAL-'] })
    await append(server, [upload('x'.repeat(4096)), upload('x'.repeat(4097))])
    expect(server.lines.filter((line) => line.includes('APPEND')).map((line) => line.slice(-7))).toEqual([
      '{4096+}',
      ' {4097}', // prettier-ignore
    ])
  })

  it('streams what is not in memory, and sends no date where there is none', async () => {
    await using server = await FakeImapServer.start()
    const bytes = Buffer.alloc(3_000_000, 'line of text\r\n')
    await append(server, [upload(bytes, { bytes: undefined, date: undefined })])
    expect(server.store.messages('INBOX')[0]?.bytes.equals(bytes)).toBe(true)
    expect(server.store.messages('INBOX')[0]?.date).toBeUndefined()
  })

  it('sends a NUL as a binary literal (QUIRKS APP-11)', async () => {
    await using server = await FakeImapServer.start()
    await append(server, [upload('a\0b\r\n', { binary: true })])
    expect(server.lines.at(-1)).toContain(' ~{5+}')
    expect(server.store.messages('INBOX')[0]?.bytes.toString()).toBe('a\0b\r\n')
  })

  it('sends no byte of a message whose literal is refused (QUIRKS APP-08)', async () => {
    await using server = await FakeImapServer.start({
      capabilities: plain,
      hooks: { literal: ({ count }) => (count === 2 ? { reply: 'TAG NO [TOOBIG] no\r\n' } : undefined) },
    })
    const answers = await append(server, [upload('one\r\n'), upload('A9 LOGOUT\r\n'), upload('three\r\n')])
    expect(answers.map((one) => (one.status === 'fulfilled' ? one.value.response.name : 'lost'))).toEqual([
      'OK',
      'NO',
      'OK',
    ])
    expect(server.store.messages('INBOX').map(({ bytes }) => bytes.toString())).toEqual(['one\r\n', 'three\r\n'])
    expect(server.lines.some((line) => line.includes('LOGOUT'))).toBe(false)
  })

  it('sends a refused group again one by one, so that only the bad one is refused (QUIRKS APP-19)', async () => {
    await using server = await FakeImapServer.start({ strict: true })
    const answers = await append(server, [upload('one\r\n'), upload('bare\nline\r\n'), upload('three\r\n')])
    expect(answers.map((one) => (one.status === 'fulfilled' ? one.value.response.name : 'lost'))).toEqual([
      'OK',
      'NO',
      'OK',
    ])
    expect(server.store.messages('INBOX')).toHaveLength(2)
    expect(server.seen('APPEND')).toBe(4)
  })

  it.each<[string, NonNullable<FakeImapOptions['hooks']>]>([
    ['before it stored', { APPEND: () => ({ cut: true }) }],
    ['after it stored', { APPEND: () => ({ act: true, cut: true }) }],
    ['in mid-literal', { literal: () => ({ cut: 3 }) }],
  ])('leaves it in doubt what was stored where the server hangs up %s', async (_, hooks) => {
    await using server = await FakeImapServer.start({ hooks })
    const answers = await append(server, [upload('one\r\n'), upload('two\r\n')])
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'connection-lost' } })
  })

  it('gives no UIDs where the server says none, or not as many as there are messages', async () => {
    for (const code of ['', '[APPENDUID 1 5] ', '[APPENDUID 1 9:4] ', '[APPENDUID 1 1:99999999] ', '[APPENDUID x] ']) {
      await using server = await FakeImapServer.start({
        hooks: { APPEND: () => ({ act: true, reply: `TAG OK ${code}done\r\n` }) },
      })
      const answers = await append(server, [upload('one\r\n'), upload('two\r\n')])
      for (const answer of answers) expect(answer).toMatchObject({ value: { uid: undefined } })
    }
  })

  it('fails on an answer to no command, and on an invitation that nobody waits for', async () => {
    for (const reply of ['A77 OK done\r\n', '+ more\r\n']) {
      await using server = await FakeImapServer.start({ hooks: { APPEND: () => ({ reply }) } })
      const [answer] = await append(server, [upload('one\r\n')])
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'protocol' } })
    }
  })
})

describe('internalDate (RFC 3501 §9)', () => {
  it.each([
    [Date.UTC(2020, 0, 1), ' 1-Jan-2020 00:00:00 +0000'],
    [Date.UTC(1970, 11, 31, 23, 59, 59), '31-Dec-1970 23:59:59 +0000'],
  ])('writes %d', (ms, text) => {
    expect(internalDate(ms)).toBe(text)
  })
})
