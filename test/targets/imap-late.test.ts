import { describe, expect, it } from 'vitest'
import { imapSettings } from '../../src/targets/imap-settings.js'
import { ImapTarget } from '../../src/targets/imap.js'
import type { Message } from '../../src/ports/message.js'
import type { Target } from '../../src/ports/target.js'
import { open } from '../imap/opened.js'
import { InstantClock } from '../support/clock.js'
import { FakeImapServer, type FakeImapOptions } from '../support/fake-imap-server.js'
import type { ImapHook } from '../support/fake-imap-session.js'
import { deliver, lane, readBack, receiptsOf, signal } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'

const texts = [letter('twin'), letter('twin'), letter('other'), 'Subject: bare\n\nno end']
const batch = texts.map((text, index) => message(`key-${index}`, text))
const withoutUidPlus = ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', 'MULTIAPPEND']

/** The first upload is cut off, and carried out when the server is released. */
const lateFirst: NonNullable<FakeImapOptions['hooks']> = {
  APPEND: ({ count }) => (count === 1 ? { act: 'later', cut: true } : undefined),
}

interface Scene extends AsyncDisposable {
  readonly server: FakeImapServer
  readonly ledger: MemoryLedger
  readonly warnings: string[]
  readonly target: () => Target
  readonly stored: () => readonly string[]
}

async function scene(options: FakeImapOptions = {}): Promise<Scene> {
  const server = await FakeImapServer.start({ hooks: lateFirst, ...options })
  const warnings: string[] = []
  const clock = new InstantClock()
  const context = { clock, settleMs: 300, warn: (code: string) => warnings.push(code) }
  const connect = async (): ReturnType<typeof open> => open(server)
  return {
    server,
    ledger: new MemoryLedger(),
    warnings,
    target: () => new ImapTarget(imapSettings.parse({}), context, { user: 'alice', server: 'imap.example', connect }),
    stored: () => server.store.messages('INBOX').map(({ bytes }) => bytes.toString('latin1')),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  }
}

/** The engine's loop for one batch, all at once; `meanwhile` happens before the look at the end. */
async function run(
  { target, ledger }: Scene,
  messages: readonly Message[],
  meanwhile: () => void = () => undefined,
): Promise<void> {
  await using writer = await target().open(lane, await ledger.load(lane), signal)
  if (messages.length > 0) {
    const announced = messages.map(({ key, sha256, size }) => ({ key, sha256, size }))
    await ledger.advance(lane, { begun: { announced, position: writer.position, at: 0 } })
    const receipts = await Promise.all(messages.map(async (one) => writer.append(one)))
    await ledger.advance(lane, { committed: { receipts, position: await writer.commit(), at: 0 } })
  }
  meanwhile()
  for await (const { position, moved = [] } of writer.seal?.(true) ?? []) {
    await ledger.advance(lane, { begun: { announced: [], position, at: 0 }, moved })
  }
}

async function cut(at: Scene): Promise<void> {
  await expect(run(at, batch)).rejects.toMatchObject({ code: 'connection-lost' })
}

const sorted = texts.toSorted()

describe('a server that stores after the look (QUIRKS APP-01)', () => {
  it('during the run: the late copies count, ours are removed', async () => {
    await using at = await scene()
    await cut(at)
    await run(at, batch, () => {
      at.server.release()
    })
    expect(at.stored().toSorted()).toEqual(sorted)
    expect(at.warnings).toContain('late-copies')
    expect(await readBack(at.target(), at.ledger)).toEqual(batch.map(() => 'intact'))
    expect(new Set((await receiptsOf(at.ledger)).map(({ where }) => where)).size).toBe(4)
  })

  it('after the run: the next one sees to it, though it has nothing to do', async () => {
    await using at = await scene()
    await cut(at)
    await run(at, batch)
    at.server.release()
    expect(at.stored()).toHaveLength(8)
    await run(at, [])
    expect(at.stored().toSorted()).toEqual(sorted)
    expect(await readBack(at.target(), at.ledger)).toEqual(batch.map(() => 'intact'))
  })

  it('and is not suspected for ever', async () => {
    await using at = await scene()
    await cut(at)
    await run(at, batch)
    expect((await at.ledger.load(lane)).position).toContain('doubts')
    const clock = new InstantClock()
    await clock.sleep(3_600_000)
    const context = { clock, settleMs: 300, warn: () => undefined }
    const connect = async (): ReturnType<typeof open> => open(at.server)
    const way = { user: 'alice', server: 'imap.example', connect }
    await run({ ...at, target: () => new ImapTarget(imapSettings.parse({}), context, way) }, [])
    expect((await at.ledger.load(lane)).position).not.toContain('doubts')
  })

  it('killed while it puts that right, at each step', async () => {
    for (const kill of [0, 1, 2]) {
      await using at = await scene()
      await cut(at)
      await run(at, batch)
      at.server.release()
      let step = 0
      {
        await using writer = await at.target().open(lane, await at.ledger.load(lane), signal)
        for await (const { position, moved = [] } of writer.seal?.(true) ?? []) {
          if (step++ === kill) break
          await at.ledger.advance(lane, { begun: { announced: [], position, at: 0 }, moved })
          if (step++ === kill) break
        }
      }
      await run(at, [])
      expect(at.stored().toSorted(), `killed at step ${kill}`).toEqual(sorted)
      expect(await readBack(at.target(), at.ledger)).toEqual(batch.map(() => 'intact'))
    }
  })

  it('keeps what somebody else has put there meanwhile', async () => {
    await using at = await scene()
    await cut(at)
    await run(at, batch, () => {
      for (const [index, text] of [letter('foreign'), letter('oth3r')].entries()) {
        at.server.store.add('INBOX', { bytes: Buffer.from(text), flags: [], date: String(index) })
      }
      at.server.release()
    })
    expect(at.stored().toSorted()).toEqual([...texts, letter('foreign'), letter('oth3r')].toSorted())
  })

  it.each<[string, FakeImapOptions]>([
    ['has no UIDPLUS', { capabilities: withoutUidPlus }],
    ['does not remove', { hooks: { ...lateFirst, 'UID STORE': () => ({ reply: 'TAG NO read-only\r\n' }) } }],
  ])('is reported, once, where it %s', async (_, options) => {
    await using at = await scene(options)
    await cut(at)
    const release = (): void => {
      at.server.release()
    }
    await expect(run(at, batch, release)).rejects.toMatchObject({ code: 'duplicated', message: /4 of its messages/ })
    expect(at.stored()).toHaveLength(8)
    await run(at, [])
  })

  describe('where only one of two twins has come late', () => {
    /** Each upload is a command of its own; the lost session carries out the first one alone. */
    async function lateTwin(more: readonly string[]): Promise<Scene> {
      let lost = true
      const APPEND: ImapHook = ({ count }) => {
        return count === 1 ? { act: 'later', cut: true } : lost ? { cut: true } : undefined
      }
      const at = await scene({ capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+', ...more], hooks: { APPEND } })
      await cut(at)
      lost = false
      return at
    }

    it('it is reported once, where the server has no UIDPLUS', async () => {
      await using at = await lateTwin([])
      const release = (): void => {
        at.server.release()
      }
      await expect(run(at, batch, release)).rejects.toMatchObject({ code: 'duplicated', message: /1 of its messages/ })
      expect(at.stored()).toHaveLength(5)
      await run(at, [])
      await run(at, [])
      expect(at.stored()).toHaveLength(5)
    })

    it('its first copy is removed, and the other twin stays', async () => {
      await using at = await lateTwin(['UIDPLUS'])
      await run(at, batch, () => {
        at.server.release()
      })
      for (let again = 0; again < 3; again++) {
        expect(at.stored().toSorted()).toEqual(sorted)
        expect(await readBack(at.target(), at.ledger)).toEqual(batch.map(() => 'intact'))
        expect(new Set((await receiptsOf(at.ledger)).map(({ where }) => where)).size).toBe(4)
        await run(at, [])
      }
    })
  })

  it.each([undefined, withoutUidPlus])('is not suspected for real twins of what was in doubt', async (capabilities) => {
    await using at = await scene(capabilities ? { capabilities } : {})
    await cut(at)
    await run(at, [...batch, message('third', letter('twin'))])
    await run(at, [])
    expect(at.stored()).toHaveLength(5)
    await run(at, [message('fourth', letter('twin'))])
    await run(at, [])
    expect(at.stored()).toHaveLength(6)
  })

  it('and a run that was killed after it had stored them again: one is reported, nothing is lost', async () => {
    await using at = await scene()
    await cut(at)
    await deliver(at.target(), at.ledger, batch, { kill: batch.length + 1 })
    at.server.release()
    await expect(run(at, batch)).rejects.toMatchObject({ code: 'duplicated', message: /4 of its messages/ })
    expect(at.stored().toSorted()).toEqual([...texts, ...texts].toSorted())
    expect(await readBack(at.target(), at.ledger)).toEqual(batch.map(() => 'intact'))
    await run(at, [])
  })
})
