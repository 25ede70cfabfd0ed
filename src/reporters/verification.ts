import type { Clock } from '../ports/clock.js'
import type { MessageKey } from '../ports/message.js'
import type { AccountVerdict, Defect, Finding, TargetVerdict, VerifyEvent } from '../ports/verification.js'
import { bytesText, countText, durationText, numberText } from '../ports/figures.js'
import { faultFields, jsonLine, toMilliseconds } from './json.js'
import { printable } from './printable.js'
import type { Output, Paint } from './style.js'
import { faultText, messageName, uidlOf } from './words.js'

/** Tells what a verification finds. */
export interface VerificationReport {
  on(event: VerifyEvent): void
  finish(end: VerificationEnd): void
}

export interface VerificationEnd {
  readonly exitCode: number
  readonly interrupted: boolean
  readonly seconds: number
}

/** One JSON object a line. */
export function jsonVerification(output: Output, clock: Pick<Clock, 'now'>): VerificationReport {
  const write = (type: string, fields: object): void => {
    output.write(jsonLine(type, fields, clock))
  }
  return {
    on(event) {
      switch (event.type) {
        case 'finding': {
          const { account, target } = event
          const { key, defect, seen } = event.finding
          write('verify.message', {
            account,
            target,
            uidl: uidlOf(key),
            defect,
            ...(seen !== undefined && { where: seen }),
          })
          break
        }
        case 'uncopied': {
          const { account, key, size } = event
          write('verify.message', { account, uidl: uidlOf(key), defect: 'uncopied', size })
          break
        }
        case 'account':
          write('verify.account', accountFields(event.verdict))
          break
        case 'read':
      }
    },
    finish({ exitCode, seconds }) {
      write('verify.finished', { exitCode, seconds: toMilliseconds(seconds) })
    },
  }
}

function accountFields({ account, targets, source }: AccountVerdict): object {
  const [fault] = source?.faults ?? []
  return {
    account,
    targets: targets.map(({ fault, ...verdict }) => {
      const { target, ...counts } = verdict
      return {
        target,
        ok: isSound({ ...verdict, ...(fault && { fault }) }),
        ...counts,
        ...(fault && faultFields(fault)),
      }
    }),
    ...(source && {
      source: {
        ok: source.uncopied === 0 && !fault,
        listed: source.listed,
        uncopied: source.uncopied,
        ...(fault && faultFields(fault)),
      },
    }),
  }
}

function isSound({ missing, altered, duplicated, fault }: TargetVerdict): boolean {
  return missing + altered + duplicated === 0 && !fault
}

export interface PlainOptions {
  readonly stdout: Output
  readonly paint: Paint
  /** Nothing where all is well. */
  readonly quiet: boolean
  readonly clock: Pick<Clock, 'monotonic'>
  /** Where a long verification shows that it lives. */
  readonly progress?: Output
}

/** For people: the verdict first, then every message that is not as it should be. */
export function plainVerification(options: PlainOptions): VerificationReport {
  return new PlainVerification(options)
}

class PlainVerification implements VerificationReport {
  readonly #options: PlainOptions
  readonly #findings = new Map<string, Finding[]>()
  readonly #uncopied = new Map<string, MessageKey[]>()
  readonly #verdicts: AccountVerdict[] = []
  readonly #startedAt: number
  #messages = 0
  #bytes = 0
  #pauseMs = firstPauseMs
  #dueAt: number

  constructor(options: PlainOptions) {
    this.#options = options
    this.#startedAt = options.clock.monotonic()
    this.#dueAt = this.#startedAt + firstPauseMs
  }

  on(event: VerifyEvent): void {
    switch (event.type) {
      case 'read':
        this.#read(event.size)
        break
      case 'finding':
        gather(this.#findings, laneName(event.account, event.target), event.finding)
        break
      case 'uncopied':
        gather(this.#uncopied, event.account, event.key)
        break
      case 'account':
        this.#verdicts.push(event.verdict)
    }
  }

  finish(end: VerificationEnd): void {
    const { stdout, paint, quiet } = this.#options
    if (quiet && end.exitCode === 0) return
    const tone = end.exitCode === 0 ? 'good' : end.exitCode === 3 ? 'bad' : 'warning'
    const lines = [
      paint(tone, verdict(this.#verdicts, end, this.#messages)),
      ...this.#verdicts.flatMap((one) => this.#lines(one)),
    ]
    const missing = this.#verdicts.some(({ targets }) => targets.some((target) => target.missing > 0))
    if (missing) lines.push('`popferry run --repair` copies again what is missing.')
    for (const line of lines) stdout.write(`${line}\n`)
  }

  #lines({ account, targets, source }: AccountVerdict): readonly string[] {
    const uncopied = this.#uncopied.get(account) ?? []
    return [
      ...targets.filter((target) => !isSound(target)).flatMap((target) => this.#targetLines(account, target)),
      ...(source?.faults ?? []).map((fault) => `  ${printable(account)}, source: ${faultText(fault)}`),
      ...(uncopied.length > 0
        ? [
            `  ${printable(account)}, source: ${numberText(uncopied.length)} of ${numberText(source?.listed ?? 0)} not copied`,
          ]
        : []),
      ...uncopied.map((key) => `    not copied ${messageName(key)}`),
    ]
  }

  #targetLines(account: string, verdict: TargetVerdict): readonly string[] {
    const { target, checked, missing, fault } = verdict
    const name = `  ${printable(account)}, target ${printable(target)}`
    const counts = countsText(verdict)
    return [
      ...(fault ? [`${name}: ${faultText(fault)}`] : []),
      ...(counts === '' ? [] : [`${name}: ${counts} of ${numberText(checked)}`]),
      ...(missing > 1 && missing === checked
        ? ['    nothing of it is there: is the disk mounted, is this the right place?']
        : []),
      ...(this.#findings.get(laneName(account, target)) ?? []).map(findingLine),
    ]
  }

  #read(size: number): void {
    this.#messages++
    this.#bytes += size
    const { progress, clock } = this.#options
    if (!progress || clock.monotonic() < this.#dueAt) return
    const seconds = (clock.monotonic() - this.#startedAt) / 1000
    progress.write(
      `${countText(this.#messages, 'message')} read back, ${bytesText(this.#bytes)}, ${bytesText(this.#bytes / seconds)}/s\n`,
    )
    this.#pauseMs = Math.min(longestPauseMs, 2 * this.#pauseMs)
    this.#dueAt = clock.monotonic() + this.#pauseMs
  }
}

const firstPauseMs = 30_000
const longestPauseMs = 600_000

function gather<T>(lists: Map<string, T[]>, name: string, one: T): void {
  const list = lists.get(name) ?? []
  lists.set(name, list)
  list.push(one)
}

function laneName(account: string, target: string): string {
  return `${account}\n${target}`
}

const defectWords: Readonly<Record<Defect, string>> = {
  missing: 'missing',
  altered: 'altered',
  duplicated: 'there twice',
}

function findingLine({ key, defect, seen }: Finding): string {
  return `    ${defectWords[defect]} ${messageName(key)}${seen === undefined ? '' : `: also ${printable(seen)}`}`
}

/** `1 missing, 2 altered` */
function countsText(counts: Readonly<Record<Defect, number>>): string {
  return (['missing', 'altered', 'duplicated'] as const)
    .flatMap((defect) => (counts[defect] > 0 ? [`${numberText(counts[defect])} ${defectWords[defect]}`] : []))
    .join(', ')
}

function verdict(verdicts: readonly AccountVerdict[], end: VerificationEnd, read: number): string {
  if (end.interrupted)
    return `Stopped after ${countText(read, 'message')}; nothing is concluded. The next verification starts anew.`
  const targets = verdicts.flatMap((one) => one.targets)
  const sources = verdicts.flatMap(({ source }) => source ?? [])
  const sum = (count: (target: TargetVerdict) => number): number => targets.reduce((all, one) => all + count(one), 0)
  const checked = sum((one) => one.checked)
  const wrong = countsText({
    missing: sum((one) => one.missing),
    altered: sum((one) => one.altered),
    duplicated: sum((one) => one.duplicated),
  })
  const unread = targets.filter(({ fault }) => fault).length
  const unlisted = sources.filter(({ faults }) => faults.length > 0).length
  const uncopied = sources.reduce((all, one) => all + one.uncopied, 0)
  const troubles = [
    ...(wrong === '' ? [] : [`of ${copiesText(checked)}: ${wrong}`]),
    ...(unread > 0
      ? [`${numberText(unread)} of ${countText(targets.length, 'target')} could not be read to the end`]
      : []),
    ...(unlisted > 0
      ? [`${numberText(unlisted)} of ${countText(sources.length, 'maildrop')} could not be compared`]
      : []),
    ...(uncopied > 0
      ? [`${countText(uncopied, 'message')} on the servers ${uncopied === 1 ? 'is' : 'are'} not copied`]
      : []),
  ].join('; ')
  if (troubles !== '') return `${troubles.charAt(0).toUpperCase()}${troubles.slice(1)}:`
  const accounts = countText(verdicts.length, 'account')
  const listed = sources.length > 0 ? '; everything on the servers is copied' : ''
  if (checked === 0) return `Nothing of ${accounts} is stored yet: there is nothing to read back${listed}.`
  const all = checked === 1 ? 'The only copy' : `All ${copiesText(checked)}`
  const size = `${bytesText(sum((one) => one.bytes))} in ${durationText(end.seconds)}`
  return `${all} of ${accounts} ${checked === 1 ? 'is' : 'are'} intact (${size})${listed}.`
}

/** A message is a copy at each target. */
function copiesText(count: number): string {
  return `${numberText(count)} ${count === 1 ? 'copy' : 'copies'}`
}
