import type { MessageKey } from '../ports/message.js'
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

/** What a manifest says of its messages, by name. A key that a server used again lacks its last part. */
export function readManifest(text: string): ReadonlyMap<string, ManifestEntry> {
  const entries = new Map<string, ManifestEntry>()
  if (!text.startsWith(manifestHead)) return entries
  for (const line of text.slice(manifestHead.length).split('\r\n')) {
    const [name = '', id = '', occurrence = '', sha256 = '', , day = ''] = cellsOf(line)
    const uidl = id.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
    if (uidl === '') continue
    const key = (occurrence === '1' ? uidl : `${uidl}\n${occurrence}`) as MessageKey
    entries.set(name, { key, sha256, ...(day !== '' && { date: Date.parse(day) }) })
  }
  return entries
}

export interface ManifestEntry {
  readonly key: MessageKey
  readonly sha256: string
  /** By the date rule, ms since 1970. */
  readonly date?: number
}

/** No cell holds a line end. */
function cellsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:"((?:[^"]|"")*)"|([^,"]*))(?:,|$)/g), ([, quoted, plain = '']) =>
    (quoted?.replaceAll('""', '"') ?? plain).replace(/^'/, ''),
  )
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
