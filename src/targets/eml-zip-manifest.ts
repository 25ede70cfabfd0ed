import type { Staged } from './eml-zip-record.js'

/** The first line of `manifest.csv` (RFC 4180, UTF-8 without a mark). */
export const manifestHead = csvLine(['name', 'uidl', 'occurrence', 'sha256', 'size', 'date', 'copied'])

/**
 * A message's line. `uidl` and `occurrence` are its key: bytes as Latin-1, with `\` and control characters as `\xNN`.
 * `date` by the date rule, empty where there is none; `copied` when it was safe. Times are UTC.
 */
export function manifestLine({ name, key, sha256, size, date, at }: Staged): string {
  const [uidl = '', occurrence = '1'] = key.split('\n')
  const day = date === null ? '' : new Date(date).toISOString()
  return csvLine([
    name,
    uidl.replaceAll(unprintable, escape),
    occurrence,
    sha256,
    String(size),
    day,
    new Date(at).toISOString(),
  ])
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/**
 * A spreadsheet takes some beginnings for formulas; an apostrophe makes them text, and what begins with one gets another,
 * so that taking one away gives back every cell (QUIRKS MSG-08).
 */
function csvCell(text: string): string {
  const safe = /^[=+\-@'\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function escape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

const unprintable = /[\\\x00-\x1f\x7f-\x9f]/g
