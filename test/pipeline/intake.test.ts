import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Bandwidth } from '../../src/pipeline/bandwidth.js'
import { MessageIntake } from '../../src/pipeline/intake.js'
import type { Message, MessageKey } from '../../src/ports/message.js'
import { InstantClock } from '../support/clock.js'
import { MemorySpool } from '../support/memory-spool.js'

async function take(parts: readonly Uint8Array[], listed: number, spool = new MemorySpool()): Promise<Message> {
  const incoming = new MessageIntake(spool, undefined).begin({ key: 'k' as MessageKey, size: listed })
  for (const part of parts) await incoming.write(part)
  return incoming.finish()
}

async function bytesOf(message: Message): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message.open()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const large = Buffer.concat([Buffer.from('A: b\r\n\r\n'), Buffer.alloc(3 * 1024 * 1024, 'x')])

describe('MessageIntake', () => {
  it.each([
    ['as listed', Buffer.from('A: b\r\n\r\nhello\r\n'), 15],
    ['longer than listed', Buffer.alloc(5000, 'y'), 1],
    ['shorter than listed', Buffer.from('x'), 100_000],
    ['empty', Buffer.alloc(0), 0],
    ['large', large, large.length],
    ['large, listed as tiny', large, 3],
  ])('keeps every byte and its digest: %s', async (_, bytes, listed) => {
    const parts = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (__, i) =>
      bytes.subarray(i * 65_536, (i + 1) * 65_536),
    )
    const message = await take(parts, listed)
    expect((await bytesOf(message)).equals(bytes)).toBe(true)
    expect((await bytesOf(message)).equals(bytes)).toBe(true)
    expect(message.size).toBe(bytes.length)
    expect(message.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(message.bytes === undefined).toBe(bytes.length > 1024 * 1024)
  })

  it('writes a message that comes in very many small pieces in a few large ones', async () => {
    const spool = new MemorySpool()
    const incoming = new MessageIntake(spool, undefined).begin({ key: 'k' as MessageKey, size: 0 })
    const sent: Buffer[] = []
    for (let piece = 0; piece < 300_000; piece++) {
      const part = Buffer.alloc(piece % 50_000 === 0 ? 70_000 : 1 + (piece % 17), piece)
      sent.push(part)
      await incoming.write(part)
    }
    const message = await incoming.finish()
    const all = Buffer.concat(sent)
    expect((await bytesOf(message)).equals(all)).toBe(true)
    expect(message.sha256).toBe(createHash('sha256').update(all).digest('hex'))
    expect(spool.writes).toBeLessThan(100)
  })

  it.each([
    ['A: b\r\n\r\nbody\r\n\r\n', 'A: b\r\n\r\n'],
    ['A: b\n\nbody\r\n\r\n', 'A: b\n\n'],
    ['\r\nbody', '\r\n'],
    ['\nbody', '\n'],
    ['A: b\r\n', 'A: b\r\n'],
    ['', ''],
  ])('finds the header block of %j', async (text, header) => {
    expect(Buffer.from((await take([Buffer.from(text)], 0)).header).toString()).toBe(header)
  })

  it('looks at no more than 256 KiB for a header that never ends (QUIRKS MSG-05)', async () => {
    expect((await take([Buffer.alloc(900_000, 'h')], 0)).header).toHaveLength(256 * 1024)
    expect((await take([Buffer.alloc(2_000_000, 'h')], 0)).header.length).toBeLessThanOrEqual(1024 * 1024)
  })

  it('leaves nothing in the spool when a message is discarded (QUIRKS RET-13)', async () => {
    const spool = new MemorySpool()
    const incoming = new MessageIntake(spool, undefined).begin({ key: 'k' as MessageKey, size: 0 })
    await incoming.write(large)
    expect(spool.files).toBe(1)
    await incoming.discard()
    expect(spool.files).toBe(0)
  })

  it('keeps to the bandwidth', async () => {
    const clock = new InstantClock()
    const bandwidth = new Bandwidth(1000, clock, new AbortController().signal)
    const incoming = new MessageIntake(new MemorySpool(), bandwidth).begin({ key: 'k' as MessageKey, size: 0 })
    for (let second = 0; second < 10; second++) await incoming.write(new Uint8Array(1000))
    expect(clock.monotonic()).toBeGreaterThan(9500)
    expect(clock.monotonic()).toBeLessThanOrEqual(10_000)
  })
})
