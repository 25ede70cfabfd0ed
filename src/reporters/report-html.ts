import { createHash } from 'node:crypto'
import { escapeHtml, readable } from '../html/escape.js'
import { theme } from '../html/theme.js'
import { bytesText, numberText } from '../ports/figures.js'
import type { Report, ReportForm, UncopiedMessage } from '../ports/report.js'
import { accountSection, accountsTable } from './report-accounts.js'
import { throughputChart, yearsChart } from './report-chart.js'
import { reportStyle } from './report-style.js'
import { messageName, shown, timeText } from './report-text.js'
import { groundsOf, missingOf, verdictText } from './report-words.js'

/**
 * A report as one page that needs nothing but itself and a browser: no script, no reference to anything outside. What is
 * long comes last, so that the page can be written as it comes.
 */
export const htmlReport: ReportForm = {
  *before(report) {
    const planned = report.accounts.filter((account) => account.planned)
    const former = report.accounts.filter((account) => !account.planned)
    yield opening(report)
    yield `<h2>Accounts</h2>\n${accountsTable(planned, report.totals)}`
    for (const account of planned) yield accountSection(account)
    if (former.length > 0) {
      yield `<h2>Accounts that are no longer in the plan</h2>\n${accountsTable(former, undefined)}`
      for (const account of former) yield accountSection(account)
    }
    const any = report.accounts.some(({ reasons }) => reasons.length > 0)
    yield `<section class="list">\n<h2>Messages that were not copied</h2>\n${any ? '' : '<p>None.</p>\n'}`
  },
  messages(messages, { before }) {
    const [first] = messages
    const start = before === 0 && first ? tableHead(first.account) : ''
    const rows = messages.map((message, index) => {
      const group = before + index > 0 && (before + index) % groupSize === 0 ? '</tbody>\n<tbody>\n' : ''
      return group + row(message)
    })
    return start + rows.join('')
  },
  closing: () => '</tbody></table></div>\n',
  after: () => after,
}

/** A browser lays out only the groups that are seen. */
const groupSize = 100

function opening(report: Report): string {
  const { at, version, verdict, totals, throughput, years } = report
  const name = report.plan.split(/[\\/]/).at(-1) ?? ''
  const tiles = [
    ['Accounts complete', `${numberText(totals.complete)} of ${numberText(totals.accounts)}`],
    ['Messages stored', numberText(totals.stored.messages)],
    ['Their size', bytesText(totals.stored.bytes)],
    ['Not copied', numberText(missingOf(totals))],
  ]
  const charts = [...(throughput ? [throughputChart(throughput)] : []), ...(throughput ? [yearsChart(years)] : [])]
  return `${head(name)}<header>
<p>Report on copied mail</p>
<h1>${shown(name)}</h1>
<p>As popferry ${escapeHtml(version)} had recorded it on ${timeText(at)}${runText(report)}</p>
</header>
<main>
<section class="verdict ${verdict}">
<strong>${verdictText(report)}</strong>
${groundsOf(report)
  .map((ground) => `<p>${shown(ground, 600)}</p>\n`)
  .join('')}</section>
<dl class="tiles">
${tiles.map(([term = '', value = '']) => `<div><dt>${term}</dt><dd>${value}</dd></div>\n`).join('')}</dl>
<div class="charts">
${charts.join('')}</div>
`
}

function runText({ run }: Report): string {
  if (!run) return '; there was no run yet'
  const { count, startedAt } = run
  return `, after ${numberText(count)} run${count === 1 ? '' : 's'}; the last one started on ${timeText(startedAt)}`
}

function head(name: string): string {
  const style = theme + reportStyle
  const digest = createHash('sha256').update(style).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>Copied mail: ${escapeHtml(readable(name, 100))}</title>
<style>${style}</style>
</head>
<body>
`
}

function tableHead(account: string): string {
  return `<h3>${shown(account)}</h3>
<div class="sheet"><table>
<thead><tr><th>Message</th><th>Subject</th><th>Size</th><th>Why</th></tr></thead>
<tbody>
`
}

/** As few elements as will do: there may be hundreds of thousands. What to do about a code is said once, with its account. */
function row({ key, size, subject, reasons }: UncopiedMessage): string {
  const why = reasons.map(({ target, code, error }) => {
    const where = target === undefined ? '' : `${cell(target)}: `
    return `${where}${cell(error)} (${cell(code, 50)})`
  })
  const cells = [
    messageName(key),
    subject === undefined ? '' : cell(subject, 250),
    size === undefined ? '' : bytesText(size),
    why.join('<br>'),
  ]
  return `<tr><td>${cells.join('<td>')}\n`
}

/** Text from outside, in a cell that keeps its direction to itself. */
function cell(text: string, limit = 300): string {
  return escapeHtml(readable(text, limit))
}

const after = `</section>
</main>
<footer>
<p>Listed: what the server showed when it was last asked. Copied: reached its last target then, or since. Present: was at every
target before. Left out: excluded by the plan. Failed: tried, and named above with the reason. Vanished: gone from the server
before it could be fetched. Pending: not tried yet. Listed is always the sum of the others.</p>
<p>Stored: messages that are at one target at least, each counted once. A message counts as copied once it is safely on the disk
of its target, or its server has confirmed it. This page says what was recorded then: <code>popferry verify</code> reads
every copy back and compares it.</p>
</footer>
</body>
</html>
`
