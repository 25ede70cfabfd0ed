import { type FaultCode, faults } from '../../src/ports/fault.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { AccountReport, Report, ReportForm, UncopiedMessage } from '../../src/ports/report.js'

const at = Date.UTC(2026, 0, 31, 4)

/** A report whose every text from outside is this one. */
export function reportOf(text: string, account: Partial<AccountReport> = {}): Report {
  return {
    at,
    version: '1.2.3',
    plan: `/plans/${text}`,
    verdict: 'missing',
    working: text,
    run: { run: text, startedAt: at, finishedAt: at + 5000, exitCode: 3, count: 2 },
    totals: {
      ...{ accounts: 1, complete: 0, listed: 1234, copied: 1000, present: 200, filtered: 30, failed: 1, vanished: 2 },
      ...{ pending: 1, unlisted: 1, stored: { messages: 1201, bytes: 5e9 }, short: 1 },
      copies: { messages: 1201, bytes: 5e9 },
    },
    throughput: { from: at, widthMs: 5000, bins: [sum(10), sum(0), sum(7), sum(1000)] },
    years: {
      years: [2001, 2002, 2003].map((year) => ({ year, ...sum(year - 2000) })),
      undated: sum(1),
      unknown: sum(1),
    },
    accounts: [accountOf(text, account), accountOf(text, { planned: false, account: `${text} before` })],
  }
}

function sum(messages: number): { readonly messages: number; readonly bytes: number } {
  return { messages, bytes: messages * 1000 }
}

function accountOf(text: string, more: Partial<AccountReport>): AccountReport {
  const volume = { path: `/v/${text}`, sha256: 'ab'.repeat(32), messages: 3, bytes: 5000, at }
  return {
    account: text,
    planned: true,
    verdict: 'missing',
    doubts: ['not-listed', 'new-target'],
    server: { host: text, user: text },
    last: { run: text, at, status: text, code: text, error: text },
    listing: {
      ...{ listed: 1234, copied: 1000, present: 200, filtered: 30, failed: 1, vanished: 2, pending: 1 },
      ...{ run: text, at },
    },
    unlisted: 1,
    stored: sum(1201),
    short: 1,
    targets: [
      {
        ...{ target: text, planned: false, kind: 'eml-zip', place: `/${text}`, messages: 5, bytes: 500, lost: 1 },
        ...{ first: at, latest: at + 100_000, flags: new Map([['lossy-form', 3] as const]), volumes: [volume] },
      },
      { target: 'new', planned: true, messages: 0, bytes: 0, lost: 0, flags: new Map(), volumes: [] },
    ],
    reasons: [{ code: text, target: text, hint: text, messages: 4 }],
    ...more,
  }
}

/** A message whose every text is this one; a UIDL cannot hold a line feed. */
export function uncopiedOf(text: string, code: FaultCode = 'too-big'): UncopiedMessage {
  return {
    account: text,
    key: text.replaceAll('\n', '') as MessageKey,
    state: 'failed',
    size: 12_345,
    subject: text,
    reasons: [
      { target: text, code: text, error: text, hint: text },
      { code, error: text, hint: faults[code].hint },
    ],
  }
}

/** The whole document; one list for each account. */
export function documentOf(
  form: ReportForm,
  report: Report,
  lists: readonly (readonly UncopiedMessage[])[],
  pageSize = 1000,
): string {
  const parts: string[] = []
  for (const list of lists) {
    for (let before = 0; before < list.length; before += pageSize) {
      const page = list.slice(before, before + pageSize)
      parts.push(form.messages(page, { opening: parts.join('') === '', before }))
    }
    if (list.length > 0) parts.push(form.closing())
  }
  return [...form.before(report), ...parts, form.after()].join('')
}
