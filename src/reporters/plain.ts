import type { Clock } from '../ports/clock.js'
import type { Reporter } from '../ports/event.js'
import { bytesText, countText, durationText, numberText } from '../ports/figures.js'
import { Progress } from './progress.js'
import type { Output } from './style.js'

/** Progress without a terminal: a line after half a minute, then at ever longer distances. Short runs print nothing. */
export function plainProgress(output: Output, clock: Pick<Clock, 'monotonic'>): Reporter {
  const progress = new Progress()
  let pauseMs = firstPauseMs
  let dueAt = Infinity
  return {
    on(event) {
      const atMs = clock.monotonic()
      progress.on(event, atMs)
      if (event.type === 'run.started') dueAt = atMs + pauseMs
      if (event.type !== 'message.fetched' || atMs < dueAt) return
      output.write(`${progressText(progress, atMs)}\n`)
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      dueAt = atMs + pauseMs
    },
    async [Symbol.asyncDispose]() {
      // Every line is written by now.
    },
  }
}

function progressText(progress: Progress, atMs: number): string {
  const { total, finished, expected } = progress
  const left = progress.secondsLeft(atMs)
  return [
    `${numberText(total.copied)} of ${countText(total.wanted, 'message')} copied`,
    bytesText(total.bytes),
    `${bytesText(progress.rate(atMs))}/s`,
    ...(left === undefined ? [] : [`${durationText(left)} left`]),
    `${numberText(finished)} of ${countText(expected, 'account')} done`,
  ].join(', ')
}

const firstPauseMs = 30_000
const longestPauseMs = 600_000
