import type { LastRun, RunRecord, VolumeRecord } from '../ports/records.js'
import type { AccountReport, Report, ReportForm, TargetReport, Throughput, UncopiedMessage } from '../ports/report.js'
import { printableJson } from './printable.js'
import { uidlOf } from './words.js'

/** A report as one JSON document; a line for each message of its list, so that it can be read line by line as well. */
export const jsonReport: ReportForm = {
  *before(report) {
    const facts = printableJson({ format: 'popferry-report', formatVersion: 1, ...factsOf(report) })
    yield `${facts.slice(0, -1)},\n"uncopied":[\n`
  },
  messages(messages, { opening }) {
    const lines = messages.map((message) => printableJson(messageOf(message)))
    return `${opening ? '' : ',\n'}${lines.join(',\n')}`
  },
  closing: () => '',
  after: () => '\n]}\n',
}

function factsOf({ at, version, plan, verdict, run, working, totals, throughput, years, accounts }: Report): object {
  return {
    time: timeOf(at),
    version,
    plan,
    verdict,
    run: run ? { ...runOf(run), runs: run.count } : null,
    working: working ?? null,
    totals,
    throughput: throughput ? throughputOf(throughput) : null,
    years,
    accounts: accounts.map(accountOf),
  }
}

function runOf({ run, startedAt, finishedAt, exitCode }: RunRecord): object {
  return {
    run,
    startedAt: timeOf(startedAt),
    finishedAt: finishedAt === undefined ? null : timeOf(finishedAt),
    exitCode: exitCode ?? null,
  }
}

function throughputOf({ from, widthMs, bins }: Throughput): object {
  return { from: timeOf(from), seconds: widthMs / 1000, bins }
}

function accountOf({ account, planned, verdict, doubts, server, last, listing, ...rest }: AccountReport): object {
  const { unlisted, stored, short, targets, reasons } = rest
  return {
    account,
    planned,
    verdict,
    doubts,
    host: server?.host ?? null,
    user: server?.user ?? null,
    lastRun: last ? lastRunOf(last) : null,
    listing: listing ? { ...listing, at: timeOf(listing.at) } : null,
    unlisted,
    stored,
    short,
    targets: targets.map(targetOf),
    reasons,
  }
}

function lastRunOf({ run, at, status, code, error }: LastRun): object {
  return { run, at: timeOf(at), status, ...(code !== undefined && { code }), ...(error !== undefined && { error }) }
}

function targetOf({ target, planned, kind, place, messages, bytes, lost, ...rest }: TargetReport): object {
  const { first, latest, flags, volumes } = rest
  return {
    target,
    planned,
    kind: kind ?? null,
    place: place ?? null,
    messages,
    bytes,
    lost,
    first: first === undefined ? null : timeOf(first),
    latest: latest === undefined ? null : timeOf(latest),
    flags: Object.fromEntries(flags),
    volumes: volumes.map(volumeOf),
  }
}

function volumeOf({ path, sha256, messages, bytes, at }: VolumeRecord): object {
  return { path, sha256, messages, bytes, at: timeOf(at) }
}

function messageOf({ account, key, state, size, subject, reasons }: UncopiedMessage): object {
  return {
    account,
    uidl: uidlOf(key),
    state,
    size: size ?? null,
    ...(subject !== undefined && { subject }),
    reasons,
  }
}

/** RFC 3339, UTC; null for what no calendar has. */
function timeOf(ms: number): string | null {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
