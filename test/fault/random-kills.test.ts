import { expect, it } from 'vitest'
import { Random } from '../../src/sample/random.js'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { startPopferry, writePlan } from '../support/rig.js'
import { fresh, requireExact, thorough } from './scene.js'
import { compare, count } from './tally.js'

const seed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000)
const rounds = thorough ? 40 : 1
/** How many kills a round takes before it may end. */
const killsInRound = thorough ? 8 : 4

/** Twins, From_ lines, and sizes from a line to some 20 KB. */
const messages = Array.from({ length: 150 }, (_, index) => {
  const lines = `${index % 140}\r\nFrom here ${'y'.repeat(index % 70)}\r\n`.repeat(1 + ((index * index) % 200))
  return `Subject: no ${index % 140}\r\n\r\n${lines}`
})

it(`killed at random instants with four targets, seed ${seed}: each message once at each`, async (context) => {
  const random = new Random(seed)
  for (let round = 0; round < rounds; round++) {
    await using folder = await fresh()
    await using server = await FakePop3Server.start({ messages })
    await using imap = await FakeImapServer.start({})
    const targets = [
      { type: 'maildir', path: 'maildir' },
      { type: 'mbox', path: 'mbox' },
      { type: 'eml-zip', path: 'zips/mail.zip' },
      imap.target({ folder: 'Moved' }),
    ]
    const accounts = [{ name: 'alice', source: server.source(), targets }]
    // So slow that a kill meets it at work.
    await writePlan(folder, { state: 'state', timeouts: { settle: '50ms' }, limits: { bandwidth: '300KB' }, accounts })
    for (let kills = 0; ;) {
      await using running = startPopferry(['run', '--quiet'], { cwd: folder.path })
      const delayMs = kills < killsInRound ? 200 + random.below(1500) : 60_000
      const timer = setTimeout(() => {
        running.kill('SIGKILL')
      }, delayMs)
      const { signal, code, stderr } = await running.finished
      clearTimeout(timer)
      if (signal === null) {
        expect({ code, stderr }, `seed ${seed}, round ${round}`).toEqual({ code: 0, stderr: '' })
        if (kills < killsInRound) expect(kills).toBeGreaterThan(0)
        break
      }
      kills++
      count(context, { kills: 1 })
    }
    count(context, await requireExact(folder, messages))
    const uploaded = compare(
      imap.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1')),
      messages,
    )
    count(context, uploaded)
    expect(uploaded, `seed ${seed}, round ${round}`).toMatchObject({ lost: 0, doubled: 0 })
  }
}, 3_600_000)
