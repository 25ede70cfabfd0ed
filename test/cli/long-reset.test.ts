import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openLedger } from '../../src/ledgers/sqlite.js'
import { fingerprint } from '../../src/pipeline/fingerprint.js'
import { RollCall } from '../../src/pipeline/roll-call.js'
import type { MessageKey } from '../../src/ports/message.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { thorough } from '../fault/scene.js'
import { systemClock } from '../support/clock.js'
import { peakMemoryMiB } from '../support/machine.js'
import { openScene, type Scene } from './scene.js'

const many = thorough ? 150_000 : 10_000

function listing(prefix: string): readonly SampleMessage[] {
  return Array.from({ length: many }, (_, index) => {
    // Every fifth has a twin.
    const word = index % 5 === 0 ? Math.floor(index / 10) : index
    return memoryMessage(`${prefix}-of-usual-length-${index}`, Buffer.from(`Subject: ${word}\r\n\r\nText ${word}.\r\n`))
  })
}

/** Makes the ledger believe that the messages are at a target. */
async function record({ folder }: Scene, target: string, messages: readonly SampleMessage[]): Promise<void> {
  await using ledger = await openLedger({ folder: folder.at('migrate.state'), readOnly: false, clock: systemClock })
  const lane = { account: 'alice', target }
  const { position } = await ledger.load(lane)
  if (position === undefined) throw new Error('the lane has no position')
  for (let at = 0; at < messages.length; at += 5000) {
    const receipts = messages.slice(at, at + 5000).map((message) => {
      const { uidl, size } = message
      const bytes = Buffer.concat([...(message.open() as Iterable<Uint8Array>)])
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return {
        key: uidl as MessageKey,
        sha256,
        size,
        where: 'there',
        flags: [],
        fingerprint: fingerprint(bytes),
        listed: size,
      }
    })
    await ledger.advance(lane, { committed: { receipts, position, at: 0 } })
  }
  await ledger.identify('alice', { listing: RollCall.of(messages.map(({ uidl }) => uidl as MessageKey)).pack() })
}

/** A run that knows every message; tells what it took. */
async function settle(scene: Scene, name: string) {
  const from = performance.now()
  let peakMiB = 0
  await using running = scene.start(['run', '--json'])
  scene.server.hooks = { QUIT: async () => void (peakMiB = Math.max(peakMiB, await peakMemoryMiB(running.pid))) }
  const { events } = await running.finished
  const seconds = (performance.now() - from) / 1000
  process.stdout.write(
    `${many} listed messages, ${name}: ${seconds.toFixed(1)} s, ${Math.round(peakMiB)} MiB of memory.\n`,
  )
  expect(events.at(-1)).toMatchObject({ exitCode: 0, listed: many, present: many, copied: 0 })
  expect(peakMiB).toBeLessThan(300)
  // A look-up that walks through all of them takes many times as long.
  expect(seconds).toBeLessThan(5 + many * 0.005)
  return events.at(-1)
}

describe('LST-15, LST-04 very many messages that have to be fetched to be known', { timeout: 900_000 }, () => {
  it.each([
    ['a reset', 'b', {}],
    ['identity: content', 'a', { identity: 'content' }],
  ])('are settled in little memory and in a time that grows with their number: %s', async (name, prefix, source) => {
    const old = listing('a')
    await using scene = await openScene({ messages: old.slice(0, 1), source })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    for (const target of ['maildir', 'mbox']) await record(scene, target, old.slice(1))
    scene.server.messages = listing(prefix)
    expect(await settle(scene, name)).toMatchObject({ reidentified: prefix === 'b' ? many : 0 })
    const retrs = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    expect(retrs).toBeGreaterThanOrEqual(many)
    if (prefix === 'a') return
    expect(await settle(scene, 'known since the reset')).toMatchObject({ reidentified: 0 })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(retrs)
  })
})
