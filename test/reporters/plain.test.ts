import { expect, it } from 'vitest'
import { plainProgress } from '../../src/reporters/plain.js'
import { collected, everyEvent } from './events.js'

/** A run of so many seconds in which a KB arrives each second; the seconds at which a line was printed, and the lines. */
function copyFor(seconds: number): { readonly at: readonly number[]; readonly lines: readonly string[] } {
  const output = collected()
  let atMs = 0
  const reporter = plainProgress(output, { monotonic: () => atMs })
  reporter.on(everyEvent['run.started'])
  reporter.on(everyEvent['account.started'])
  reporter.on({ ...everyEvent['account.listed'], missing: 10_000, missingBytes: 10_240_000 })
  const at: number[] = []
  for (let second = 1; second <= seconds; second++) {
    atMs = second * 1000
    const before = output.lines.length
    reporter.on({ ...everyEvent.checkpoint, copied: second, bytes: second * 1024 })
    reporter.on({ ...everyEvent['message.fetched'], size: 1024 })
    if (output.lines.length > before) at.push(second)
  }
  return { at, lines: output.lines }
}

it('prints nothing in a short run', () => {
  expect(copyFor(29).lines).toEqual([])
})

it('prints few lines in a long one: after half a minute, then at twice the distance up to ten minutes', () => {
  const { at, lines } = copyFor(4000)
  expect(at).toEqual([30, 90, 210, 450, 930, 1530, 2130, 2730, 3330, 3930])
  expect(lines[0]).toBe('30 of 10,000 messages copied, 30.0 KB, 1.0 KB/s, 2:46 h left, 0 of 2 accounts done')
})
