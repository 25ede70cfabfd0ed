import { bytesText, durationText, numberText } from '../ports/figures.js'
import { printable } from './printable.js'
import type { AccountProgress, Progress } from './progress.js'
import { cutToWidth, displayWidth, padToWidth } from './width.js'

export interface Screen {
  readonly columns: number
  readonly rows: number
}

/**
 * The lines of a terminal's progress display at one moment: running accounts, oldest first, never more than rows − 3,
 * and one line for the whole. None is wider than the screen; what a narrow one has no room for is left out, the bars
 * first, the rate and the time left last.
 */
export function frame(progress: Progress, { columns, rows }: Screen, atMs: number): readonly string[] {
  const running = [...progress.accounts.values()].filter(({ state }) => isRunning(state))
  const shown = mostActive(running, Math.max(0, rows - 3))
  // The last column stays free: some terminals move on to the next line when it is written.
  const width = columns - 1
  const names = [...shown.map(({ account }) => printable(account, maxName)), 'total']
  const nameWidth = Math.min(
    maxName,
    Math.max(...names.map(displayWidth)),
    Math.max('total'.length, Math.floor(columns / 3)),
  )
  const line = (name: string, forms: readonly (readonly string[])[]): string => {
    const start = `${padToWidth(cutToWidth(name, nameWidth), nameWidth)} `
    const lines = forms.map((parts) => start + parts.join('  '))
    return cutToWidth(lines.find((text) => displayWidth(text) <= width) ?? lines.at(-1) ?? start, width)
  }
  return [
    ...shown.map((account, index) =>
      line(names[index] ?? '', accountForms(account, progress.rate(atMs, account.account))),
    ),
    line('total', totalForms(progress, running.length - shown.length, atMs)),
  ]
}

/** In the order of their start, so that lines stay where they are; where not all have room, those that copy have it. */
function mostActive(running: readonly AccountProgress[], most: number): readonly AccountProgress[] {
  if (running.length <= most) return running
  const ranked = [...running].sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state))
  const chosen = new Set(ranked.slice(0, most))
  return running.filter((account) => chosen.has(account))
}

const maxName = 24
const barWidth = 20

/** Of accounts that run, the most active first. */
const states: readonly AccountProgress['state'][] = ['copying', 'connecting', 'waiting']

function isRunning(state: AccountProgress['state']): boolean {
  return states.includes(state)
}

/** The longest first. */
function accountForms(account: AccountProgress, rate: number): readonly (readonly string[])[] {
  const { state, copied, wanted, bytes } = account
  if (state === 'connecting') return [['connecting']]
  const count = `${numberText(copied)}/${numberText(wanted)}`
  const last = state === 'waiting' ? 'waiting to try again' : `${bytesText(rate)}/s`
  return [
    [bar(account), count, bytesText(bytes), last],
    [count, bytesText(bytes), last],
    [count, last],
  ]
}

/** The longest first. `hidden`: running accounts that have no line. */
function totalForms(progress: Progress, hidden: number, atMs: number): readonly (readonly string[])[] {
  const { total, finished, expected } = progress
  const left = progress.secondsLeft(atMs)
  const count = `${numberText(total.copied)}/${numberText(total.wanted)}`
  const rate = [`${bytesText(progress.rate(atMs))}/s`, ...(left === undefined ? [] : [`${durationText(left)} left`])]
  const done = `${numberText(finished)}/${numberText(expected)}`
  const more = hidden > 0 ? [`${numberText(hidden)} more running`] : []
  return [
    [bar(total), `${count} messages`, bytesText(total.bytes), ...rate, `${done} accounts done`, ...more],
    [`${count} messages`, bytesText(total.bytes), ...rate, `${done} accounts done`, ...more],
    [`${count} messages`, ...rate, `${done} accounts done`],
    [count, ...rate, `${done} accounts`],
    [count, ...rate],
  ]
}

function bar({ copied, wanted }: { readonly copied: number; readonly wanted: number }): string {
  const filled = wanted > 0 ? Math.min(barWidth, Math.floor((copied / wanted) * barWidth)) : 0
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}]`
}
