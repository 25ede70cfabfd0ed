import { CsvError, parse } from 'csv-parse/sync'
import type { Findings } from './diagnostic.js'
import { nearestHint } from './nearest.js'
import { decodeUtf8, hasByteOrderMark, looksLikeUtf16 } from './utf8.js'

/** The rows of a CSV file under its header. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** The cells by column. */
export type Row = ReadonlyMap<string, Cell>

/** `at` is a position that the findings know; the value may be a secret. */
export interface Cell {
  readonly at: number
  readonly value: string
}

/** The column that names the accounts. */
export const nameColumn = 'name'

const maxBytes = 16 * 1024 * 1024
const maxRowBytes = 64 * 1024
const maxColumns = 1000

/**
 * Reads a table (RFC 4180: commas, fields in double quotes; UTF-8 with or without byte order mark; LF and CR end a row as
 * well). Rows without any text are left out. What is wrong goes into the findings, by line and column; undefined where
 * that concerns the table as a whole. No value is repeated, since any may be a secret.
 */
export function readTable(bytes: Uint8Array, file: string, findings: Findings): Table | undefined {
  const lines: number[] = []
  let columns: readonly string[] = []
  const start = findings.adjoin((offset) => {
    const column = offset % maxColumns
    const name = columns[column]
    const place = { file, line: lines[Math.floor(offset / maxColumns)] ?? 1, column: column + 1 }
    return name === undefined ? place : { ...place, part: `column "${name}"` }
  })
  const complain = (record: number, column: number, message: string, hint?: string): void => {
    findings.add(start + record * maxColumns + column, message, hint)
  }
  const unreadable = wholeProblem(bytes)
  if (unreadable) {
    lines.push(unreadable.line)
    complain(0, 0, unreadable.message)
    return undefined
  }
  const { records, failure } = split(bytes)
  lines.push(...linesOf(bytes, [0, ...records.map(({ end }) => end)]))
  if (failure) {
    complain(records.length, failure.column, failure.message)
    return undefined
  }
  const [header, ...rest] = records
  const names = header?.cells ?? []
  for (const { column, message, hint } of headerProblems(names)) complain(0, column, message, hint)
  if (!names.includes(nameColumn) || names.length > maxColumns) return undefined
  columns = names
  const rows = rest.flatMap(({ cells }, index): Row[] => {
    if (cells.every((cell) => cell.trim() === '')) return []
    const record = index + 1
    if (cells.length !== columns.length) complain(record, 0, countProblem(cells.length, columns.length))
    return [
      new Map(columns.map((name, at) => [name, { at: start + record * maxColumns + at, value: cells[at] ?? '' }])),
    ]
  })
  if (rows.length === 0) complain(0, 0, 'expected at least one row below the header')
  return { columns, rows }
}

function wholeProblem(bytes: Uint8Array): { readonly line: number; readonly message: string } | undefined {
  if (bytes.length > maxBytes) return { line: 1, message: 'expected a table of at most 16 MB' }
  if (looksLikeUtf16(bytes)) {
    const message = 'expected UTF-8 text; this looks like UTF-16 or a spreadsheet: save it as "CSV UTF-8"'
    return { line: 1, message }
  }
  const decoded = decodeUtf8(bytes)
  if ('text' in decoded) return undefined
  const message = 'expected UTF-8 text; this line has bytes of another encoding: save the table as "CSV UTF-8"'
  return { line: decoded.badLine, message }
}

interface CsvRecord {
  readonly cells: readonly string[]
  /** Where the next one begins, empty lines aside: an offset into the bytes. */
  readonly end: number
}

interface Split {
  readonly records: readonly CsvRecord[]
  /** What is wrong with the record behind them. The library's words quote the text: only its codes are used. */
  readonly failure?: { readonly column: number; readonly message: string }
}

function split(bytes: Uint8Array): Split {
  const records: CsvRecord[] = []
  try {
    parse(bytes, {
      bom: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: maxRowBytes,
      on_record: (cells: string[], { bytes: end }) => {
        records.push({ cells, end })
        return null
      },
    })
    return { records }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const column = typeof error['column'] === 'number' ? Math.min(error['column'], maxColumns - 1) : 0
    return { records, failure: { column, message: reasons.get(error.code) ?? 'expected a table in CSV form' } }
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['CSV_QUOTE_NOT_CLOSED', 'the quote that opens in this row is not closed'],
  ['CSV_INVALID_CLOSING_QUOTE', 'expected a comma behind the closing quote; a quote inside a field is written twice'],
  ['INVALID_OPENING_QUOTE', 'a field with a quote in it must be quoted as a whole, and its own quotes written twice'],
  ['CSV_MAX_RECORD_SIZE', 'expected rows of at most 64 KB; maybe a quote is not closed'],
])

/** The lines, from 1, on which records stand that begin at these offsets or behind empty lines there. */
function linesOf(bytes: Uint8Array, starts: readonly number[]): readonly number[] {
  let line = 1
  let at = 0
  const step = (): void => {
    // CR LF is one line end.
    if (bytes[at] === lineFeed || (bytes[at] === carriageReturn && bytes[at + 1] !== lineFeed)) line++
    at++
  }
  return starts.map((start) => {
    if (start === 0 && hasByteOrderMark(bytes)) at = 3
    while (at < start) step()
    while (bytes[at] === lineFeed || bytes[at] === carriageReturn) step()
    return line
  })
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

interface HeaderProblem {
  readonly column: number
  readonly message: string
  readonly hint?: string | undefined
}

function headerProblems(names: readonly string[]): readonly HeaderProblem[] {
  const problems = names.flatMap((name, column): HeaderProblem[] => {
    const message = columnProblem(name, names.indexOf(name) < column)
    return message === undefined ? [] : [{ column, message }]
  })
  if (names.length > maxColumns) return [{ column: 0, message: `expected at most ${maxColumns} columns` }]
  if (names.includes(nameColumn) || problems.length > 0) return problems
  return [{ column: 0, message: headerMissing, hint: headerHint(names) }]
}

const headerMissing = `expected a header row that names the columns; one of them must be \`${nameColumn}\``

/** What stands there is not repeated: without a header it is the first account, its secret included. */
function headerHint([first = '', ...others]: readonly string[]): string | undefined {
  if (others.length === 0 && /[;\t]/.test(first)) {
    return 'the fields of this table are not separated by commas: save it anew with commas'
  }
  return [first, ...others].map((name) => nearestHint(name, [nameColumn])).find((hint) => hint !== undefined)
}

function columnProblem(name: string, repeated: boolean): string | undefined {
  if (name.trim() === '') return 'expected a name for this column'
  if (name !== name.trim()) return 'expected a column name without blanks around it'
  if (/[{}]|\p{Cc}/u.test(name)) return 'expected a column name without braces and control characters'
  return repeated ? 'expected another column name: it stands here twice' : undefined
}

function countProblem(found: number, expected: number): string {
  const more = found > expected ? '; a field with a comma in it must be quoted' : ''
  return `expected ${expected} fields in this row, as many as in the header; found ${found}${more}`
}
