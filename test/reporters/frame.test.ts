import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frame } from '../../src/reporters/frame.js'
import { Progress } from '../../src/reporters/progress.js'
import { displayWidth } from '../../src/reporters/width.js'
import { anyEvent, everyEvent, hostile, unsafe } from './events.js'

/** A run of so many accounts that are being copied. */
function running(names: readonly string[]): Progress {
  const progress = new Progress()
  progress.on({ type: 'run.started', run: 'r', plan: 'p', accounts: names.length }, 0)
  for (const account of names) {
    progress.on({ type: 'account.started', account, server: 's' }, 0)
    const missing = { missing: 2000, missingBytes: 4_096_000 }
    progress.on({ type: 'account.listed', account, messages: 2500, bytes: 5_000_000, ...missing }, 0)
    progress.on({ type: 'message.fetched', account, size: 1_024_000 }, 0)
    progress.on({ ...everyEvent.checkpoint, account, copied: 500, bytes: 1_024_000 }, 0)
  }
  return progress
}

describe('frame', () => {
  it('shows a bar for each running account and one for the whole', () => {
    expect(frame(running(['alice', '世界']), { columns: 120, rows: 24 }, 1000)).toEqual([
      'alice [=====               ]  500/2,000  1.0 MB  1.0 MB/s',
      '世界  [=====               ]  500/2,000  1.0 MB  1.0 MB/s',
      'total [=====               ]  1,000/4,000 messages  2.0 MB  2.0 MB/s  3 s left  0/2 accounts done',
    ])
  })

  it('says where an account is, and drops it when it is done', () => {
    const progress = running(['a', 'b', 'c'])
    const screen = { columns: 120, rows: 24 }
    progress.on({ ...everyEvent.retry, account: 'a' }, 0)
    progress.on({ ...everyEvent['account.finished'], account: 'b' }, 0)
    progress.on({ type: 'account.started', account: 'd', server: 's' }, 0)
    expect(frame(progress, screen, 0)).toEqual([
      expect.stringMatching(/^a {5}\[.*waiting to try again$/),
      expect.stringMatching(/^c {5}\[=/),
      'd     connecting',
      expect.stringMatching(/^total .* 1\/3 accounts done$/),
    ])
  })

  it('keeps the oldest where there are more accounts than rows', () => {
    const lines = frame(running(Array.from({ length: 50 }, (_, index) => `n${index}`)), { columns: 80, rows: 10 }, 0)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'total'])
  })

  it('where not all have room, those that copy have it, and the rest is counted', () => {
    const progress = running(Array.from({ length: 50 }, (_, index) => `n${index}`))
    for (const account of ['n0', 'n1', 'n2']) progress.on({ ...everyEvent.retry, account }, 0)
    const lines = frame(progress, { columns: 140, rows: 10 }, 1000)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9', 'total'])
    expect(lines.at(-1)).toMatch(/ 0\/50 accounts done {2}43 more running$/)
  })

  it.each([
    [
      120,
      /^total {19} 25,000\/100,000 messages {2}48\.8 MB {2}48\.8 MB\/s {2}3 s left {2}0\/50 accounts done {2}29 more running$/,
    ],
    [80, /^total {19} 25,000\/100,000 {2}48\.8 MB\/s {2}3 s left {2}0\/50 accounts$/],
    [64, /^total {16} 25,000\/100,000 {2}48\.8 MB\/s {2}3 s left$/],
    [56, /^total {13} 25,000\/100,000 {2}48\.8 MB\/s {2}3 s left$/],
  ])('at %d columns the rate and the time left are to be seen', (columns, total) => {
    const names = Array.from({ length: 50 }, (_, index) => `user${index}@a-long-domain.example`)
    const lines = frame(running(names), { columns, rows: 24 }, 1000)
    expect(lines.at(-1)).toMatch(total)
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/500\/2,000 .*MB\/s$/)
  })

  it('fits any screen whatever happened, and holds nothing that moves a cursor', () => {
    const screens = fc.record({ columns: fc.nat(100), rows: fc.nat(12) })
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), screens, (log, screen) => {
        const progress = new Progress()
        for (const [index, event] of log.entries()) progress.on(event, index * 100)
        const lines = frame(progress, screen, log.length * 100)
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, screen.rows - 2))
        for (const line of lines) {
          expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(0, screen.columns - 1))
          expect(line).not.toMatch(unsafe)
        }
      }),
    )
  })

  it('CON-06 escapes names', () => {
    expect(frame(running([hostile]), { columns: 80, rows: 24 }, 0)[0]).toMatch(/^a\\x1b]0;pwned\\x07\\x1b\[2… \[/)
  })
})
