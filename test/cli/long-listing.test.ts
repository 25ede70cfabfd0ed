import { describe, expect, it } from 'vitest'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { MessageKey } from '../../src/ports/message.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { systemClock } from '../support/clock.js'
import { peakMemoryMiB } from '../support/machine.js'
import { thorough } from '../fault/scene.js'
import { readMboxrd } from '../support/rig.js'
import { openScene, type Scene } from './scene.js'

const bytes = Buffer.from('Subject: small\r\n\r\nText.\r\n')

describe('LST-15, PRC-05 a maildrop of very many messages', { timeout: 300_000 }, () => {
  it('is settled from the ledger where all ids are known, in little memory and with no RETR', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux says in /proc how much memory a process had')
    const messages = listing(150_000)
    await using scene = await openScene({ messages: messages.slice(0, 1) })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    for (const target of ['maildir', 'mbox']) await record(scene, target, messages.slice(1))
    scene.server.messages = messages
    const { peakMiB, listed } = await watched(scene, ['run', '--json'])
    expect(listed).toMatchObject({ exitCode: 0, listed: 150_000, present: 150_000, copied: 0 })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(1)
    expect(peakMiB).toBeLessThan(300)
  })

  it('is served where none is known', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux says in /proc how much memory a process had')
    await using scene = await openScene({ messages: listing(500_000) })
    const { peakMiB, listed } = await watched(scene, ['run', '--json', '--limit', '20'])
    expect(listed).toMatchObject({ exitCode: 0, listed: 500_000, copied: 20, pending: 499_980 })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(20)
    expect(peakMiB).toBeLessThan(500)
  })

  it.skipIf(!thorough)(
    'is copied whole (500,000 messages, with POPFERRY_THOROUGH=1)',
    async ({ skip }) => {
      skip(process.platform !== 'linux', 'only Linux says in /proc how much memory a process had')
      await using scene = await openScene({
        messages: listing(500_000),
        plan: (server) => ({
          accounts: [{ name: 'alice', source: server.source(), targets: [{ type: 'mbox', path: 'mail.mbox' }] }],
        }),
      })
      const { peakMiB, listed } = await watched(scene, ['run', '--json'])
      expect(listed).toMatchObject({ exitCode: 0, listed: 500_000, copied: 500_000 })
      expect(await readMboxrd(scene.folder.at('mail.mbox'))).toHaveLength(500_000)
      expect(peakMiB).toBeLessThan(600)
      const again = await watched(scene, ['run', '--json'])
      expect(again.listed).toMatchObject({ exitCode: 0, present: 500_000, copied: 0 })
    },
    3_600_000,
  )
})

function listing(count: number): readonly SampleMessage[] {
  return Array.from({ length: count }, (_, index) => memoryMessage(`id-of-usual-length-${index}`, bytes))
}

/** Makes the ledger believe that the messages are at a target. */
async function record({ folder }: Scene, target: string, messages: readonly SampleMessage[]): Promise<void> {
  await using ledger = await openLedger({ folder: folder.at('migrate.state'), readOnly: false, clock: systemClock })
  const lane = { account: 'alice', target }
  const { position } = await ledger.load(lane)
  if (position === undefined) throw new Error('the lane has no position')
  for (let at = 0; at < messages.length; at += 5000) {
    const receipts = messages.slice(at, at + 5000).map(({ uidl, size }) => {
      return { key: uidl as MessageKey, sha256: '00'.repeat(32), size, where: 'there', flags: [] }
    })
    await ledger.advance(lane, { committed: { receipts, position, at: 0 } })
  }
}

/** Runs the program; what it had in memory at its QUIT, and what it said last. */
async function watched(scene: Scene, args: readonly string[]) {
  let peakMiB = NaN
  let askedAt = NaN
  let seconds = NaN
  await using running = scene.start(args)
  scene.server.hooks = {
    UIDL: () => {
      askedAt = performance.now()
    },
    QUIT: async () => {
      seconds = (performance.now() - askedAt) / 1000
      peakMiB = await peakMemoryMiB(running.pid)
    },
  }
  const { stderr, events } = await running.finished
  expect(stderr).toBe('')
  const listed = events.at(-1)
  const figures = `${seconds.toFixed(1)} s from UIDL to QUIT in ${Math.round(peakMiB)} MiB of memory`
  process.stdout.write(`${String(listed?.['listed'])} listed messages: ${figures}.\n`)
  return { peakMiB, listed }
}
