import type { AccountCheck, Estimate, SourceCheck, TargetCheck } from '../ports/check.js'
import type { Clock } from '../ports/clock.js'
import type { Fault } from '../ports/fault.js'
import { bytesText, countText, numberText, roughText } from '../ports/figures.js'
import type { SignInFacts, TlsFacts } from '../ports/sign-in-facts.js'
import { faultFields, jsonLine, toMilliseconds } from './json.js'
import { printable } from './printable.js'
import type { Output, Paint } from './style.js'
import { table } from './table.js'
import { faultText, happened } from './words.js'

/** Tells what a check finds. */
export interface CheckReport {
  on(result: AccountCheck): void
  finish(end: CheckEnd): void
}

export interface CheckEnd {
  /** In the order of the plan. */
  readonly accounts: readonly AccountCheck[]
  readonly exitCode: number
  readonly interrupted: boolean
  readonly estimate?: Estimate
  readonly seconds: number
  /** Names the run that works meanwhile. */
  readonly held?: Fault
}

/** One JSON object a line. What is not known is null, so that every key is always there. */
export function jsonCheck(output: Output, clock: Pick<Clock, 'now'>): CheckReport {
  return {
    on({ account, source, targets }) {
      const { messages = null, bytes = null, missing, estimate, fault } = source
      const fields = {
        account,
        source: {
          ok: !fault,
          ...signInFields(source.signIn, clock.now()),
          messages,
          bytes,
          missing: missing?.messages ?? null,
          missingBytes: missing?.bytes ?? null,
          ...(estimate && { estimate: secondsOf(estimate) }),
          ...(fault && faultFields(fault)),
        },
        targets: targets.map((target) => targetFields(target, clock.now())),
      }
      output.write(jsonLine('check.account', fields, clock))
    },
    finish({ exitCode, estimate, seconds }) {
      const took = { seconds: toMilliseconds(seconds) }
      const expected = estimate && { estimate: secondsOf(estimate) }
      output.write(jsonLine('check.finished', { exitCode, ...expected, ...took }, clock))
    },
  }
}

/** The middle of a range that may be wide. */
function secondsOf({ from, to }: Estimate): number {
  return Math.max(1, Math.round(Math.sqrt(Math.max(from, 0.01) * to)))
}

function targetFields({ target, signIn, free, quota, fault }: TargetCheck, now: number): object {
  return {
    target,
    ok: !fault,
    ...(signIn && signInFields(signIn, now)),
    ...(free !== undefined && { free }),
    ...(quota && { quota }),
    ...(fault && faultFields(fault)),
  }
}

function signInFields(facts: SignInFacts | undefined, now: number): object {
  const { tls, mechanism = null, capabilities = null } = facts ?? {}
  return { tls: tls ? tlsFields(tls, now) : null, auth: mechanism, capabilities }
}

function tlsFields({ version, cipher, subject, issuer, validTo }: TlsFacts, now: number): object {
  return {
    version,
    cipher,
    subject,
    issuer,
    validTo: validTo === undefined ? null : new Date(validTo).toISOString(),
    daysLeft: validTo === undefined ? null : daysUntil(validTo, now),
  }
}

export interface PlainCheckOptions {
  readonly stdout: Output
  readonly paint: Paint
  /** Nothing where all is well, else only what is not. */
  readonly quiet: boolean
  readonly clock: Pick<Clock, 'now'>
}

/** For people: the verdict first, then a line for each source and target, with what to do where it failed. */
export function plainCheck({ stdout, paint, quiet, clock }: PlainCheckOptions): CheckReport {
  return {
    on() {
      // The verdict comes first, and the table is made of all.
    },
    finish(end) {
      if (quiet && end.exitCode === 0) return
      const tone = end.exitCode === 0 ? 'good' : end.exitCode === 3 ? 'bad' : 'warning'
      stdout.write(`${paint(tone, verdict(end))}\n`)
      if (end.held) stdout.write(`A run is at work, and its sources were left alone: ${happened(end.held)}\n`)
      const rows = end.accounts.flatMap((result) => rowsOf(result, clock.now()))
      const shown = rows.filter(({ failed }) => failed || !quiet)
      stdout.write(table(shown.map(({ cells }) => cells)))
    },
  }
}

interface Row {
  readonly cells: readonly string[]
  readonly failed: boolean
}

function rowsOf({ account, source, targets }: AccountCheck, now: number): readonly Row[] {
  const found = (
    what: string,
    details: readonly string[],
    { fault, signIn }: SourceCheck | TargetCheck,
  ): readonly Row[] => {
    const place = [printable(account), what]
    if (fault?.code === 'held') return [{ cells: [...place, 'skipped', 'a run is at work'], failed: false }]
    if (fault) return [{ cells: [...place, 'FAILED', faultText(fault)], failed: true }]
    const offers = signIn && signIn.capabilities.length > 0 ? [`offers ${capabilitiesText(signIn)}`] : []
    return [
      { cells: [...place, 'ok', details.filter((detail) => detail !== '').join('; ')], failed: false },
      ...offers.map((line) => ({ cells: ['', '', '', line], failed: false })),
    ]
  }
  return [
    ...found('source', [waiting(source), signInText(source.signIn, now)], source),
    ...targets.flatMap((target) =>
      found(printable(target.target), [roomText(target, source), signInText(target.signIn, now)], target),
    ),
  ]
}

/** `3 messages (1.2 MB), 2 to copy (1.1 MB): less than a minute` */
function waiting({ messages = 0, bytes = 0, missing, estimate }: SourceCheck): string {
  const all = `${countText(messages, 'message')} (${bytesText(bytes)})`
  if (!missing || !estimate) return messages === 0 ? all : `${all}, none to copy`
  const some = missing.messages === messages ? 'all' : numberText(missing.messages)
  const size = missing.bytes === bytes ? '' : ` (${bytesText(missing.bytes)})`
  return `${all}, ${some} to copy${size}: ${roughText(estimate)}`
}

/** `writable, 12.3 GB free` */
function roomText({ free, quota }: TargetCheck, { bytes = 0, missing }: SourceCheck): string {
  const room = free ?? (quota && quota.limit - quota.used)
  const wanted = missing?.bytes ?? bytes
  const short = room !== undefined && room < wanted ? `, less than the ${bytesText(wanted)} that are to be copied` : ''
  if (quota) return `${bytesText(quota.used)} of ${bytesText(quota.limit)} used${short}`
  return free === undefined ? '' : `writable, ${bytesText(free)} free${short}`
}

/** `TLSv1.3, certificate of mail.example from R3, 41 days left; signed in by scram-sha-256` */
function signInText(facts: SignInFacts | undefined, now: number): string {
  if (!facts) return ''
  const { tls, mechanism } = facts
  const by = `signed in by ${printable(mechanism)}`
  if (!tls) return `no TLS; ${by}`
  const left = tls.validTo === undefined ? '' : `, ${countText(daysUntil(tls.validTo, now), 'day')} left`
  const certificate = `certificate of ${printable(tls.subject, 80)} from ${printable(tls.issuer, 80)}${left}`
  return `${tls.version}, ${certificate}; ${by}`
}

function capabilitiesText({ capabilities }: SignInFacts): string {
  return printable(capabilities.join(', '))
}

/** Whole days; negative for a certificate that has expired and is accepted all the same. */
function daysUntil(ms: number, now: number): number {
  return Math.floor((ms - now) / 86_400_000)
}

function verdict({ accounts, interrupted, estimate }: CheckEnd): string {
  if (interrupted) return 'Stopped; what was not asked yet is not below.'
  const targets = accounts.flatMap((one) => one.targets)
  const sources = accounts.map(({ source }) => source)
  const asked = sources.filter(({ fault }) => fault?.code !== 'held')
  const faults = [...asked, ...targets].flatMap(({ fault }) => fault ?? [])
  const all = [
    ...(asked.length > 0 ? [countText(asked.length, 'source')] : []),
    countText(targets.length, 'target'),
  ].join(' and ')
  if (faults.length > 0) {
    const total = numberText(asked.length + targets.length)
    const passing = faults.every(({ transient }) => transient) ? '; all of it may pass by itself' : ''
    return `Not ready: ${numberText(faults.length)} of ${total} checks (${all}) failed${passing}.`
  }
  const sum = (count: (source: SourceCheck) => number | undefined): number =>
    asked.reduce((total, source) => total + (count(source) ?? 0), 0)
  const messages = countText(
    sum((one) => one.messages),
    'message',
  )
  const waits = asked.length > 0 ? `; ${messages} (${bytesText(sum((one) => one.bytes))}) at the sources` : ''
  const time = estimate ? `, ${roughText(estimate)} to copy` : ''
  return `${asked.length < sources.length ? 'No fault found' : 'Ready'}: ${all} checked${waits}${time}.`
}
