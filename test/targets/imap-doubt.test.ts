import { describe, expect, it } from 'vitest'
import { imapSettings } from '../../src/targets/imap-settings.js'
import { ImapTarget } from '../../src/targets/imap.js'
import type { Clock } from '../../src/ports/clock.js'
import type { Target } from '../../src/ports/target.js'
import { open } from '../imap/opened.js'
import { InstantClock, systemClock } from '../support/clock.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import type { ImapScript } from '../support/fake-imap-session.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'

const withoutUidPlus = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+']
const twins = [letter('twin'), letter('twin'), letter('other')].map((text, index) => message(`key-${index}`, text))

function targetAt(
  server: FakeImapServer,
  settleMs = 300,
  clock: Clock = systemClock,
  warn: (code: string) => unknown = () => undefined,
): Target {
  const context = { clock, settleMs, warn: (code: string) => void warn(code) }
  const connect = async (): ReturnType<typeof open> => open(server)
  return new ImapTarget(imapSettings.parse({}), context, { user: 'alice', server: 'imap.example', connect })
}

/** Delivers in spite of one mishap: a run that breaks off, and the next. */
async function afterMishap(options: FakeImapOptions): Promise<{ server: FakeImapServer; ledger: MemoryLedger }> {
  const server = await FakeImapServer.start(options)
  const ledger = new MemoryLedger()
  const broken = await deliverAtOnce(targetAt(server), ledger).catch((error: unknown) => error)
  expect(broken).toMatchObject({ code: 'connection-lost', transient: true })
  await deliver(targetAt(server), ledger, twins)
  return { server, ledger }
}

/** As the engine does: the whole batch at once. */
async function deliverAtOnce(target: Target, ledger: MemoryLedger): Promise<void> {
  await using writer = await target.open(lane, await ledger.load(lane), signal)
  await writer.admit(twins)
  const announced = twins.map(({ key, sha256, size }) => ({ key, sha256, size }))
  await ledger.advance(lane, { begun: { announced, position: writer.position, at: systemClock.now() } })
  const receipts = await Promise.all(twins.map(async (one) => writer.append(one)))
  await ledger.advance(lane, { committed: { receipts, position: await writer.commit(), at: 0 } })
}

const once = (script: ImapScript) => (moment: { readonly count: number }) => (moment.count === 1 ? script : undefined)

describe('an append in doubt, also of a whole group (QUIRKS APP-01, APP-02, APP-07, APP-19)', () => {
  const mishaps: readonly (readonly [string, FakeImapOptions['hooks'] & object])[] = [
    ['cut before storing', { APPEND: once({ cut: true }) }],
    ['cut after storing', { APPEND: once({ act: true, cut: true }) }],
    ['good-bye after storing', { APPEND: once({ act: true, reply: '* BYE Session expired\r\n', cut: true }) }],
    ['stored a while after the cut', { APPEND: once({ act: 100, cut: true }) }],
    ['cut in mid-literal', { literal: ({ count }) => (count === 2 ? { cut: 40 } : undefined) }],
  ]
  it.each(mishaps)('%s: every message once, twins twice', async (_, hooks) => {
    for (const capabilities of [undefined, withoutUidPlus]) {
      const { server, ledger } = await afterMishap({ hooks, ...(capabilities && { capabilities }) })
      const stored = server.store.messages('INBOX').map(({ bytes }) => bytes.toString())
      expect(stored.toSorted()).toEqual([letter('other'), letter('twin'), letter('twin')])
      expect(await readBack(targetAt(server), ledger)).toEqual(['intact', 'intact', 'intact'])
      await server[Symbol.asyncDispose]()
    }
  })

  it('finds what it left in a folder whose UIDVALIDITY changed (QUIRKS APP-20)', async () => {
    await using server = await FakeImapServer.start({ hooks: { APPEND: once({ act: true, cut: true }) } })
    const ledger = new MemoryLedger()
    await deliverAtOnce(targetAt(server), ledger).catch(() => undefined)
    server.store.uidValidity++
    await deliver(targetAt(server), ledger, twins)
    expect(server.store.messages('INBOX')).toHaveLength(3)
    expect((await receiptsOf(ledger)).every(({ where }) => where.startsWith('4712:'))).toBe(true)
  })

  it('knows its messages again where the server adds header lines (QUIRKS APP-18)', async () => {
    for (const count of [1, 2]) {
      const hooks = {
        APPEND: (moment: { readonly count: number }) => (moment.count === count ? { act: true, cut: true } : undefined),
      }
      await using server = await FakeImapServer.start({ adds: 'X-Server: yes\r\n', hooks })
      const ledger = new MemoryLedger()
      const warnings: string[] = []
      const target = targetAt(server, 300, systemClock, (code) => warnings.push(code))
      if (count === 2) await deliver(target, ledger, [message('first', letter('first'))])
      await deliverAtOnce(target, ledger).catch(() => undefined)
      await deliver(target, ledger, twins)
      await deliver(target, ledger, [message('last', letter('last'))])
      expect(server.store.messages('INBOX')).toHaveLength(count + 3)
      expect(warnings).toContain('rewrites')
      expect(new Set(await readBack(target, ledger))).toEqual(new Set(['intact']))
    }
  })

  it('tells which messages a server keeps as one (QUIRKS APP-16)', async () => {
    await using server = await FakeImapServer.start({ merges: true })
    const ledger = new MemoryLedger()
    await deliver(targetAt(server), ledger, twins)
    expect((await receiptsOf(ledger)).map(({ flags }) => flags.includes('merged-by-target'))).toEqual([
      false,
      true,
      false,
    ])
    expect(await readBack(targetAt(server), ledger)).toEqual(['intact', 'intact', 'intact'])
  })

  it('finds twins again where no UIDs are said, and sees that one is missing', async () => {
    await using server = await FakeImapServer.start({ capabilities: withoutUidPlus })
    const ledger = new MemoryLedger()
    await deliver(targetAt(server), ledger, [...twins, message('bare', 'Subject: a\n\nb')])
    expect(await readBack(targetAt(server), ledger)).toEqual(Array(4).fill('intact'))
    server.store.remove('INBOX', 1)
    expect(await readBack(targetAt(server), ledger)).toEqual(['intact', 'missing', 'intact', 'intact'])
  })

  it('waits no longer than it has to, and not at all for a session that ended long ago', async () => {
    await using server = await FakeImapServer.start({ hooks: { APPEND: once({ cut: true }) } })
    const ledger = new MemoryLedger()
    await deliverAtOnce(targetAt(server), ledger).catch(() => undefined)
    const clock = new InstantClock()
    await deliver(targetAt(server, 30_000, clock), ledger, twins)
    expect(clock.slept).toEqual([])
  })
})

describe('a server that refuses', () => {
  async function refused(options: FakeImapOptions, text = letter('x')): Promise<unknown> {
    await using server = await FakeImapServer.start(options)
    return await deliver(targetAt(server), new MemoryLedger(), [message('k', text)]).catch((error: unknown) => error)
  }

  it.each<[string, string, string, string]>([
    ['[TOOBIG]', 'NO [TOOBIG] no', 'too-big', 'message'],
    ['a size in words', 'NO Message size exceeds fixed limit', 'too-big', 'message'],
    ['[OVERQUOTA]', 'NO [OVERQUOTA] full', 'over-quota', 'target'],
    ['a quota in words', 'NO Quota exceeded (mailbox for user is full)', 'over-quota', 'target'],
    ['[TRYCREATE]', 'NO [TRYCREATE] where?', 'target-gone', 'target'],
    ['a throttle', 'NO Request is throttled. Suggested Backoff Time: 3000 milliseconds', 'throttled', 'session'],
    ['[UNAVAILABLE]', 'NO [UNAVAILABLE] later', 'server-busy', 'session'],
    ['anything else', 'BAD Command Argument Error. 11', 'append-refused', 'message'],
  ])('for %s', async (_, reply, code, scope) => {
    const fault = await refused({ hooks: { APPEND: () => ({ reply: `TAG ${reply}\r\n` }) } })
    expect(fault).toMatchObject({ code, scope, facts: { reply } })
  })

  it('is not sent what is larger than it takes (QUIRKS APP-03)', async () => {
    const fault = await refused({ capabilities: [...withoutUidPlus, 'APPENDLIMIT=100'] }, letter('x', 300))
    expect(fault).toMatchObject({ code: 'too-big' })
  })

  it('is asked again without the date that it does not like (QUIRKS APP-12)', async () => {
    const hooks = {
      APPEND: ({ line }: { readonly line: string }) =>
        line.includes('2004') ? { reply: 'TAG BAD Invalid internal date.\r\n' } : undefined,
    }
    await using server = await FakeImapServer.start({ hooks })
    await deliver(targetAt(server), new MemoryLedger(), twins)
    expect(server.store.messages('INBOX').map(({ date }) => date)).toEqual([undefined, undefined, undefined])
  })

  it('gets the least change that it takes, and the receipt says so (QUIRKS APP-10, APP-11)', async () => {
    await using server = await FakeImapServer.start({ strict: true })
    const ledger = new MemoryLedger()
    await deliver(targetAt(server), ledger, [message('k', 'Subject: a\n\nb\0\n')])
    expect(server.store.messages('INBOX')[0]?.bytes.toString('latin1')).toBe('Subject: a\r\n\r\nb\x80\r\n')
    expect((await receiptsOf(ledger))[0]?.flags).toContain('lossy-form')
    expect(await readBack(targetAt(server), ledger)).toEqual(['intact'])
  })

  it('gets a NUL in a binary literal where it takes none in others (QUIRKS APP-11)', async () => {
    const hooks = {
      APPEND: ({ line, literals }: { readonly line: string; readonly literals: readonly Buffer[] }) =>
        !line.includes('~{') && literals.some((one) => one.includes(0)) ? { reply: 'TAG NO NUL\r\n' } : undefined,
    }
    await using server = await FakeImapServer.start({ hooks })
    const ledger = new MemoryLedger()
    await deliver(targetAt(server), ledger, [message('k', 'Subject: a\r\n\r\nb\0\r\n')])
    expect(server.store.messages('INBOX')[0]?.bytes.toString('latin1')).toBe('Subject: a\r\n\r\nb\0\r\n')
    expect(await readBack(targetAt(server), ledger)).toEqual(['intact'])
    expect((await receiptsOf(ledger))[0]?.flags).not.toContain('lossy-form')
  })

  it('stops the target after three messages in a row (QUIRKS APP-04)', async () => {
    await using server = await FakeImapServer.start({ hooks: { APPEND: () => ({ reply: 'TAG NO no\r\n' }) } })
    await using writer = await targetAt(server).open(lane, await new MemoryLedger().load(lane), signal)
    const faults: unknown[] = []
    for (const one of twins) await writer.append(one).catch((error: unknown) => faults.push(error))
    expect(faults).toMatchObject([{ code: 'append-refused' }, { code: 'append-refused' }, { code: 'target-refuses' }])
  })
})
