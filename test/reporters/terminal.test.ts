import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TerminalBars } from '../../src/reporters/terminal.js'
import { everyEvent } from './events.js'
import { Screen } from './screen.js'

// The bars are drawn by a timer.
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function nextFrame(): void {
  vi.advanceTimersByTime(100)
}

/** Bars of so many accounts in the middle of their copying. */
function started(screen: Screen, accounts: number): TerminalBars {
  const bars = new TerminalBars(screen, { monotonic: () => Date.now() })
  bars.on({ type: 'run.started', run: 'r', plan: 'p', accounts })
  for (let index = 0; index < accounts; index++) {
    const account = `n${index}`
    bars.on({ type: 'account.started', account, server: 's' })
    bars.on({ ...everyEvent['account.listed'], account, messages: 10, missing: 10, missingBytes: 100 })
    bars.on({ ...everyEvent.checkpoint, account, copied: 5, bytes: 50 })
  }
  nextFrame()
  return bars
}

const finished = everyEvent['run.finished']

describe('bars', () => {
  it('shows a line for each account and one for the whole, and leaves nothing behind', () => {
    const screen = new Screen(100, 24)
    const bars = started(screen, 2)
    const bar = '[==========          ]'
    expect(screen.lines).toEqual([
      `n0    ${bar}  5/10  50 B  0 B/s`,
      `n1    ${bar}  5/10  50 B  0 B/s`,
      `total ${bar}  10/20 messages  100 B  0 B/s  0/2 accounts done`,
    ])
    bars.on(finished)
    expect(screen.lines).toEqual([])
  })

  it('prints lines above the bars, in order, also where one is longer than a row', () => {
    const screen = new Screen(60, 24)
    const bars = started(screen, 2)
    const long = 'x'.repeat(100)
    bars.write('one\ntwo\n')
    bars.write(`${long}\n`)
    nextFrame()
    bars.write('three\n')
    nextFrame()
    const printed = ['one', 'two', long.slice(0, 60), long.slice(60), 'three']
    expect(screen.lines.slice(0, 5)).toEqual(printed)
    expect(screen.lines.slice(5).map((line) => line.slice(0, 5))).toEqual(['n0   ', 'n1   ', 'total'])
    bars.write('four\n')
    bars.on(finished)
    bars.write('five\n')
    expect(screen.lines).toEqual([...printed, 'four', 'five'])
  })

  it.each([
    [1, 40],
    [2, 40],
    [3, 20],
    [5, 10],
    [24, 1],
  ])('on %d rows of %d columns nothing scrolls and nothing wraps', (rows, columns) => {
    const screen = new Screen(columns, rows)
    const bars = started(screen, 30)
    for (let frame = 0; frame < 20; frame++) nextFrame()
    expect(screen.lines.length).toBeLessThanOrEqual(Math.max(1, rows - 2))
    for (const line of screen.lines) expect(line.length).toBeLessThan(columns)
    bars.on(finished)
    expect(screen.lines).toEqual([])
  })

  it.each([
    ['lower', 24, 8],
    ['higher', 8, 24],
  ])('follows a terminal that becomes %s', (_, before, after) => {
    const screen = new Screen(80, before)
    const bars = started(screen, 30)
    expect(screen.lines).toHaveLength(before - 2)
    screen.rows = after
    for (let frame = 0; frame < 5; frame++) nextFrame()
    const shown = screen.lines.filter((line) => line !== '')
    expect(shown.slice(-(after - 2))).toEqual([
      ...Array.from({ length: after - 3 }, (_, index) => expect.stringMatching(new RegExp(`^n${index} `)) as string),
      expect.stringMatching(/^total /),
    ])
    bars.on(finished)
  })

  it('follows a terminal that becomes narrower', () => {
    const screen = new Screen(100, 24)
    const bars = started(screen, 1)
    screen.columns = 30
    nextFrame()
    for (const line of screen.lines) expect(line.length).toBeLessThan(30)
    bars.on(finished)
  })

  it('before the first and after the last event lines are printed as they are', async () => {
    const screen = new Screen(80, 24)
    {
      await using bars = new TerminalBars(screen, { monotonic: () => 0 })
      bars.write('early\n')
      bars.on({ type: 'run.started', run: 'r', plan: 'p', accounts: 1 })
      nextFrame()
    }
    // Disposing ends a run that was never finished, and no timer goes on drawing.
    expect(screen.lines).toEqual(['early'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
