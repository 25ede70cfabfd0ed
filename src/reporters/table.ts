import { displayWidth, padToWidth } from './width.js'

/** Rows of printable cells as lines of columns, two blanks apart. `sides` says where each column is padded; default: right. */
export function table(rows: readonly (readonly string[])[], sides: readonly ('left' | 'right')[] = []): string {
  const columns = Math.max(0, ...rows.map(({ length }) => length))
  const widths = Array.from({ length: columns }, (_, column) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[column] ?? '')), 0),
  )
  return rows
    .map((row) => row.map((cell, column) => padToWidth(cell, widths[column] ?? 0, sides[column] ?? 'right')).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
