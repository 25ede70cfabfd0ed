import { createHash } from 'node:crypto'
import { escapeHtml, readable } from '../html/escape.js'
import { theme } from '../html/theme.js'
import type { Attachments } from '../mail/attachments.js'
import { bytesText, countText } from '../ports/figures.js'
import { indexScript } from './eml-zip-index-script.js'
import { indexStyle } from './eml-zip-index-style.js'

/** What the page says of a message. Texts are the sender's, and may be anything. */
export interface IndexedMessage {
  /** The file beside the page. */
  readonly name: string
  /** ms since 1970. */
  readonly date: number | null
  readonly size: number
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly subject?: string | undefined
  readonly attachments: Attachments
}

interface Row {
  readonly date: number
  readonly html: string
}

/**
 * `index.html`: the messages of a volume as a page that needs nothing but itself and a browser, which it sorts and
 * searches in. Without scripts it is a list all the same. A row takes at most 6 KB, usually 500 bytes.
 */
export class Index {
  readonly #title: string
  readonly #rows: Row[] = []
  #size = 0

  constructor(title: string) {
    this.#title = title
  }

  /** The place of the next message, for what is known of it only later. */
  reserve(): number {
    return this.#rows.push(noRow) - 1
  }

  add(place: number, message: IndexedMessage): void {
    this.#size += message.size
    this.#rows[place] = { date: message.date ?? -Infinity, html: rowHtml(message) }
  }

  /** The newest first, and of one moment in the order of the volume. */
  page(): Buffer {
    const rows = this.#rows.toSorted((a, b) => (a.date === b.date ? 0 : b.date > a.date ? 1 : -1))
    const dates = rows.map(({ date }) => date).filter(Number.isFinite)
    const days = [dates.at(-1), dates[0]].flatMap((date) =>
      date === undefined ? [] : new Date(date).toISOString().slice(0, 10),
    )
    const facts = [countText(rows.length, 'message'), bytesText(this.#size), [...new Set(days)].join(' to ')]
    const groups = Array.from({ length: Math.ceil(rows.length / groupSize) }, (_, index) => {
      const group = rows.slice(index * groupSize, (index + 1) * groupSize)
      return `<tbody>\n${group.map(({ html }) => html).join('')}</tbody>\n`
    })
    const title = escapeHtml(readable(this.#title, 100))
    return Buffer.from(
      [
        ...before(
          title,
          facts
            .filter((fact) => fact !== '')
            .map((fact) => `<span>${fact}</span>`)
            .join(' · '),
        ),
        ...groups,
        after,
      ].join(''),
    )
  }
}

/** A browser lays out only the groups that are seen. The script has the same number. */
const groupSize = 100

const noRow: Row = { date: -Infinity, html: '' }

function rowHtml({ name, date, size, from, to, subject, attachments }: IndexedMessage): string {
  const moment = date === null ? undefined : new Date(date).toISOString()
  const time =
    moment === undefined
      ? 'undated'
      : `<time datetime="${moment}">${moment.slice(0, 10)} <i>${moment.slice(11, 16)}</i></time>`
  const title = shown(subject) || '(no subject)'
  const cells = [
    time,
    mailboxes(from),
    mailboxes(to),
    `<a href="${encodeURIComponent(name)}">${title}</a>`,
    `<data value="${size}">${bytesText(size)}</data>`,
    attachmentsHtml(attachments),
  ]
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>\n`
}

function shown(text = '', limit = 250): string {
  return escapeHtml(readable(text, limit))
}

/** `"Ada" <ada@harbour.example>`: the name is what people look for. Whatever else there is stays as it is. */
function mailboxes(text = ''): string {
  const [, name, address] = /^"?([^<>"]*[^<>"\s])"?\s*<([^<>]+)>$/.exec(readable(text, 150)) ?? []
  return name === undefined || address === undefined
    ? shown(text, 150)
    : `${escapeHtml(name)} <i>${escapeHtml(address)}</i>`
}

function attachmentsHtml({ names, complete }: Attachments): string {
  const chips = names.slice(0, mostNames).map((name) => `<b>${escapeHtml(readable(name, 60))}</b>`)
  const left = names.length - chips.length
  const rest = left > 0 ? [`<i>and ${left} more</i>`] : complete ? [] : ['<i>perhaps more</i>']
  return [...chips, ...rest].join(' ')
}

const mostNames = 8

function before(title: string, facts: string): readonly string[] {
  const policy = `default-src 'none'; style-src '${hash(style)}'; script-src '${hash(indexScript)}'; base-uri 'none'; form-action 'none'`
  return [
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: messages</title>
<style>${style}</style>
<header>
<h1>${title}</h1>
<p>${facts}</p>
<search hidden><output></output><input type="search" placeholder="Search" aria-label="Search" autocomplete="off" spellcheck="false"></search>
</header>
<main>
<table>
<thead>
<tr>${columns.map(({ key, label }) => `<th scope="col" data-key="${key}"${key === 'date' ? ' aria-sort="descending"' : ''}>${label}</th>`).join('')}</tr>
</thead>
`,
  ]
}

const columns = [
  { key: 'date', label: 'Date' },
  { key: 'from', label: 'From' },
  { key: 'to', label: 'To' },
  { key: 'subject', label: 'Subject' },
  { key: 'size', label: 'Size' },
  { key: 'attachments', label: 'Attachments' },
] as const

const style = `${theme}${indexStyle}`

const after = `</table>
<p id="none" hidden>No message matches.</p>
</main>
<footer>Dates are UTC. <a href="manifest.csv">manifest.csv</a> has each message’s SHA-256. Made by popferry.</footer>
<script>${indexScript}</script>
</html>
`

/** CSP Level 3 §2.3.1: a browser runs only what has this digest. */
function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
