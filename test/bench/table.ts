import { type Measured, median } from './measure.js'

/** What one program did in one scenario. */
export interface Row {
  readonly contestant: string
  /** In the order of the rounds. */
  readonly results: readonly Measured[]
  /** It copied this part of the messages; its seconds are shown as for all. */
  readonly share?: number
  /** What there is to say about it, or why there are no results. */
  readonly note?: string
}

export interface Section {
  readonly scenario: string
  /** With which the others are compared. */
  readonly reference: string
  /** How many times as fast as the reference popferry is to be. */
  readonly wants: number
  readonly rows: readonly Row[]
}

const headings = ['', 'seconds (min to max)', 'times as fast (each round)', 'CPU s', 'peak MiB', '']

/** One table of all that was measured. */
export function table(sections: readonly Section[]): string {
  const lines: (readonly string[])[] = []
  for (const { scenario, reference, wants, rows } of sections) {
    lines.push([`${scenario} (wanted: ${wants.toFixed(1)} times as fast as ${reference})`])
    const base = rows.find(({ contestant }) => contestant === reference)?.results ?? []
    for (const row of rows) lines.push(cells(row, row.contestant === reference ? [] : base))
  }
  const cellsOnly = [headings, ...lines.filter((line) => line.length > 1)]
  const widths = headings.map((_, column) => Math.max(...cellsOnly.map((line) => line[column]?.length ?? 0)))
  const laidOut = (line: readonly string[]): string =>
    line.length === 1
      ? `\n${line[0] ?? ''}`
      : `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`
  return [headings, ...lines].map((line) => laidOut(line).trimEnd()).join('\n')
}

function cells({ contestant, results, share = 1, note = '' }: Row, base: readonly Measured[]): readonly string[] {
  if (results.length === 0) return [contestant, '-', '', '', '', note]
  const mark = share === 1 ? '' : '~'
  const seconds = results.map((result) => result.seconds / share)
  const range = seconds.length > 1 ? ` (${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)})` : ''
  return [
    contestant,
    `${mark}${median(seconds).toFixed(2)}${range}`,
    ratios(seconds, base, mark),
    `${mark}${median(results.map(({ cpu }) => cpu / share)).toFixed(2)}`,
    Math.max(...results.map(({ peak }) => peak)).toFixed(0),
    note,
  ]
}

/** Pair by pair; what ran only once is compared with the reference's median. */
function ratios(seconds: readonly number[], base: readonly Measured[], mark: string): string {
  if (base.length === 0) return ''
  const others = base.map((one) => one.seconds)
  if (seconds.length !== others.length || seconds.length === 1) {
    return `${mark}${(median(others) / median(seconds)).toFixed(2)}`
  }
  const each = seconds.map((own, round) => (others[round] ?? NaN) / own)
  return `${median(each).toFixed(2)} (${each.map((ratio) => ratio.toFixed(2)).join(' ')})`
}
