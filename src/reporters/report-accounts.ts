import { bytesText, countText, numberText } from '../ports/figures.js'
import { hintOf } from '../ports/fault.js'
import type { Flag } from '../ports/message.js'
import type { LastRun, VolumeRecord } from '../ports/records.js'
import type { AccountReport, Listed, ReasonReport, TargetReport, Totals } from '../ports/report.js'
import { shown, timeText } from './report-text.js'
import { doubtTexts, verdictNames } from './report-words.js'
import { flagTexts } from './words.js'

const states = [
  ['listed', 'Listed', ''],
  ['copied', 'Copied', ''],
  ['present', 'Present', ''],
  ['filtered', 'Left out', ''],
  ['failed', 'Failed', 'alarm'],
  ['vanished', 'Vanished', ''],
  ['pending', 'Pending', 'alarm'],
] as const

/** One line for each account, and their sums. */
export function accountsTable(accounts: readonly AccountReport[], totals: Totals | undefined): string {
  const heads = states.map(([, name]) => `<th class="n">${name}</th>`).join('')
  const rows = accounts.map((account) => {
    const { listing, stored, verdict } = account
    const name = `<td><a href="#${idOf(account)}">${shown(account.account)}</a></td>`
    return `<tr>${name}${numbers(listing)}${sum(stored)}<td>${chip(verdict)}</td></tr>\n`
  })
  const sums = totals && `<tfoot><tr><th>Together</th>${numbers(totals)}${sum(totals.stored)}<td></td></tr></tfoot>\n`
  return `<div class="sheet"><table>
<thead><tr><th>Account</th>${heads}<th class="n">Stored</th><th class="n">Size</th><th></th></tr></thead>
<tbody>
${rows.join('')}</tbody>
${sums ?? ''}</table></div>
`
}

/** Two accounts never have one name. */
function idOf({ account }: AccountReport): string {
  return `account-${Buffer.from(account).toString('base64url')}`
}

function numbers(listing: Listed | undefined): string {
  return states.map(([state, , tone]) => number(listing?.[state], tone)).join('')
}

function number(count: number | undefined, tone: string): string {
  if (count === undefined) return '<td class="n zero">?</td>'
  const name = count === 0 ? ' zero' : tone === '' ? '' : ` ${tone}`
  return `<td class="n${name}">${numberText(count)}</td>`
}

function sum({ messages, bytes }: { readonly messages: number; readonly bytes: number }): string {
  return `<td class="n">${numberText(messages)}</td><td class="n">${bytesText(bytes)}</td>`
}

function chip(verdict: AccountReport['verdict']): string {
  return `<span class="chip ${verdict}">${verdictNames[verdict]}</span>`
}

/** Everything about one account but its messages. */
export function accountSection(account: AccountReport): string {
  const { server, last, doubts, unlisted, targets, reasons, verdict } = account
  const facts = [
    ...(server ? [`${shown(server.user)} at ${shown(server.host)}`] : []),
    ...(account.listing ? [`listed ${timeText(account.listing.at)}`] : []),
    ...(last ? [`last run ${timeText(last.at)}`] : []),
  ]
  const remarks = [
    ...doubts.map((doubt) => doubtTexts[doubt]),
    ...(last?.error === undefined ? [] : [stopText(last)]),
    ...(unlisted > 0
      ? [
          `${countText(unlisted, 'message')} that a target lacks ${unlisted === 1 ? 'is' : 'are'} not on the server any more.`,
        ]
      : []),
  ]
  return `<section class="account" id="${idOf(account)}">
<h3>${shown(account.account)} ${chip(verdict)}</h3>
<p class="quiet">${facts.join(' · ')}</p>
${remarks.map((remark) => `<p>${remark}</p>\n`).join('')}${targetsTable(targets)}${targets
    .map(volumesTable)
    .join('')}${reasonsList(reasons)}</section>
`
}

function stopText({ code = '', error = '' }: LastRun): string {
  const hint = hintOf(code)
  return `It stopped early: ${shown(error)}${hint === undefined ? '' : ` — ${shown(hint)}`}`
}

function targetsTable(targets: readonly TargetReport[]): string {
  const rows = targets.map((target) => {
    const { kind = '', place = '', first, latest } = target
    const name = `${shown(target.target)}${target.planned ? '' : ' (not in the plan any more)'}`
    const days = [first, latest].flatMap((at) => (at === undefined ? [] : [timeText(at)]))
    const where = `${shown(kind)} <code>${shown(place, 1000)}</code>`
    const copied = [...new Set(days)].join(' to ')
    return `<tr><td>${name}</td><td>${where}${remarksOf(target)}</td>${sum(target)}<td>${copied}</td></tr>\n`
  })
  return `<div class="sheet"><table>
<thead><tr><th>Target</th><th>Where</th><th class="n">Messages</th><th class="n">Size</th><th>Copied</th></tr></thead>
<tbody>
${rows.join('')}</tbody></table></div>
`
}

function remarksOf({ lost, flags }: TargetReport): string {
  const notes = [...flags].map(([flag, count]) => `${countText(count, 'message')}: ${flagText(flag)}`)
  const all = [
    ...(lost > 0 ? [`${countText(lost, 'message')} found missing there, and not copied again yet`] : []),
    ...notes,
  ]
  return all.length === 0 ? '' : `<ul>${all.map((note) => `<li>${note}</li>`).join('')}</ul>`
}

/** A flag may be that of a later version. */
function flagText(flag: Flag): string {
  return Object.hasOwn(flagTexts, flag) ? flagTexts[flag] : shown(flag)
}

function volumesTable({ target, kind, messages, volumes }: TargetReport): string {
  if (volumes.length === 0 && kind !== 'eml-zip') return ''
  const rest = messages - volumes.reduce((all, volume) => all + volume.messages, 0)
  const note =
    rest > 0
      ? `<p class="quiet">${countText(rest, 'message')} of ${shown(target)} ${rest === 1 ? 'is' : 'are'} in no volume whose digest was recorded.</p>\n`
      : ''
  if (volumes.length === 0) return note
  return `<div class="sheet volumes"><table>
<thead><tr><th>Volume</th><th class="n">Messages</th><th class="n">Size</th><th>Finished</th><th>SHA-256</th></tr></thead>
<tbody>
${volumes.map(volumeRow).join('')}</tbody></table></div>
${note}`
}

function volumeRow({ path, sha256, messages, bytes, at }: VolumeRecord): string {
  const cells = `<td><code>${shown(path, 1000)}</code></td>${sum({ messages, bytes })}`
  return `<tr>${cells}<td>${timeText(at)}</td><td><code>${sha256}</code></td></tr>\n`
}

function reasonsList(reasons: readonly ReasonReport[]): string {
  if (reasons.length === 0) return ''
  const items = reasons.map(({ code, target, hint, messages }) => {
    const where = target === undefined ? '' : ` into ${shown(target)}`
    const advice = hint === undefined ? '' : `: ${shown(hint)}`
    return `<li>${countText(messages, 'message')} not copied${where} (<code>${shown(code)}</code>)${advice}</li>`
  })
  return `<ul>${items.join('')}</ul>\n`
}
