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
 * and one line for the whole. None is wider than the screen.
 */
export function frame(progress: Progress, { columns, rows }: Screen, atMs: number): readonly string[] {
  const running = [...progress.accounts.values()].filter(({ state }) => isRunning(state))
  const shown = running.slice(0, Math.max(0, rows - 3))
  const names = [...shown.map(({ account }) => printable(account, maxName)), 'total']
  const nameWidth = Math.min(maxName, Math.max(...names.map(displayWidth)))
  const lines = shown.map((account, index) => {
    const name = padToWidth(names[index] ?? '', nameWidth)
    return `${name} ${accountText(account, progress.rate(atMs, account.account))}`
  })
  // The last column stays free: some terminals move on to the next line when it is written.
  return [...lines, `${padToWidth('total', nameWidth)} ${totalText(progress, atMs)}`].map((line) =>
    cutToWidth(line, columns - 1),
  )
}

const maxName = 24
const barWidth = 20

function isRunning(state: AccountProgress['state']): boolean {
  return state === 'connecting' || state === 'copying' || state === 'waiting'
}

function accountText(account: AccountProgress, rate: number): string {
  const { state, copied, wanted, bytes } = account
  if (state === 'connecting') return 'connecting'
  const figures = [`${numberText(copied)}/${numberText(wanted)}`, bytesText(bytes)]
  return [bar(account), ...figures, state === 'waiting' ? 'waiting to try again' : `${bytesText(rate)}/s`].join('  ')
}

function totalText(progress: Progress, atMs: number): string {
  const { total, finished, expected } = progress
  const left = progress.secondsLeft(atMs)
  return [
    bar(total),
    `${numberText(total.copied)}/${numberText(total.wanted)} messages`,
    bytesText(total.bytes),
    `${bytesText(progress.rate(atMs))}/s`,
    ...(left === undefined ? [] : [`${durationText(left)} left`]),
    `${numberText(finished)}/${numberText(expected)} accounts done`,
  ].join('  ')
}

function bar({ copied, wanted }: { readonly copied: number; readonly wanted: number }): string {
  const filled = wanted > 0 ? Math.min(barWidth, Math.floor((copied / wanted) * barWidth)) : 0
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}]`
}
