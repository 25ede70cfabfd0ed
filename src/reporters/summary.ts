import type { Counts, Event, Reporter } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'
import type { MessageKey } from '../ports/message.js'
import { bytesText, countText, durationText, numberText } from '../ports/figures.js'
import { printable } from './printable.js'
import type { Output, Paint } from './style.js'
import { faultText, flagTexts, messageName } from './words.js'

type Finished = Extract<Event, { type: 'run.finished' }>

/** The result of a run, for people: the verdict first, then whatever is missing, with its reason and what to do. */
export function summaryReporter(output: Output, paint: Paint): Reporter {
  const troubles = new Map<string, Trouble>()
  let accounts = 0
  const troubleOf = (account: string): Trouble => {
    const trouble = troubles.get(account) ?? new Trouble(account)
    troubles.set(account, trouble)
    return trouble
  }
  return {
    on(event) {
      if (event.type === 'run.started') accounts = event.accounts
      if (event.type === 'message.wanted') output.write(wantedLine(event))
      if (event.type === 'run.finished') {
        const affected = [...troubles.values()].filter((trouble) => trouble.exists)
        const lines = affected.flatMap((trouble) => trouble.lines(event.dryRun))
        const tone = event.exitCode === 0 ? 'good' : event.exitCode === 3 || event.exitCode === 1 ? 'bad' : 'warning'
        output.write(`${[paint(tone, verdict(event, accounts, affected)), ...lines].join('\n')}\n`)
      } else if ('account' in event) troubleOf(event.account).on(event)
    },
    async [Symbol.asyncDispose]() {
      // Everything is written by now.
    },
  }
}

function wantedLine({ account, key, size }: Extract<Event, { type: 'message.wanted' }>): string {
  return `${printable(account)}: would copy ${messageName(key)} (${bytesText(size)})\n`
}

function verdict(event: Finished, accounts: number, affected: readonly Trouble[]): string {
  const { counts, exitCode, seconds, dryRun } = event
  if (exitCode === 130 || exitCode === 143) {
    if (counts.listed === 0) return 'Stopped before anything was listed; the same command goes on from here.'
    const left = counts.pending > 0 ? `, ${numberText(counts.pending)} left` : ''
    return `Stopped. ${safe(counts)}${left}; the same command goes on from here.`
  }
  const unfinished = affected.filter(({ failed }) => failed)
  if (unfinished.length > 0) return `${shortfall(event, accounts, unfinished)}:`
  const of = `of ${countText(accounts, 'account')}`
  if (dryRun) {
    const all = `${numberText(counts.pending)} of ${countText(counts.listed, 'message')}`
    const out = counts.filtered > 0 ? `, ${leftOut(counts.filtered)}` : ''
    return `Dry run: ${all} ${of} would be copied${out}; nothing was written.`
  }
  if (affected.length > 0) return `${safe(counts)}; look at these:`
  if (counts.pending > 0) return `${safe(counts)}; ${numberText(counts.pending)} more are left for the next run.`
  if (counts.listed === 0) return `No messages in ${countText(accounts, 'account')}: nothing to do.`
  const speed = counts.copied > 0 ? ` (${bytesText(counts.bytes)} in ${durationText(seconds)})` : ''
  if (counts.vanished + counts.filtered > 0) return `${safe(counts)}${speed}.`
  const all = counts.listed === 1 ? 'The only message' : `All ${countText(counts.listed, 'message')}`
  return `${all} ${of} ${counts.listed === 1 ? 'is' : 'are'} safe${parts(counts)}${speed}.`
}

/** What is missing, as far as it is known: of an account that did not come to its listing nothing is. */
function shortfall({ counts, dryRun }: Finished, accounts: number, unfinished: readonly Trouble[]): string {
  const lacking = unfinished.map((trouble) => trouble.missing(dryRun)).filter((count) => count > 0)
  const missing = lacking.reduce((sum, count) => sum + count, 0)
  const unknown = unfinished.length - lacking.length
  const verb = missing === 1 ? 'is' : 'are'
  return [
    ...(missing > 0
      ? [`${countText(missing, 'message')} of ${countText(lacking.length, 'account')} ${verb} missing`]
      : []),
    ...(unknown > 0 ? [`${numberText(unknown)} of ${countText(accounts, 'account')} could not be finished`] : []),
    ...(counts.copied + counts.present > 0 ? [safe(counts)] : []),
  ].join('; ')
}

/** `2,000 messages are safe: 1,950 copied, 50 were already there` */
function safe(counts: Counts): string {
  const stored = counts.copied + counts.present
  return `${countText(stored, 'message')} ${stored === 1 ? 'is' : 'are'} safe${parts(counts)}`
}

function parts({ copied, present, filtered, reidentified, vanished, deleted }: Counts): string {
  const found = [
    ...(copied > 0 ? [`${numberText(copied)} copied`] : []),
    ...(present > 0 && copied > 0 ? [`${numberText(present)} ${present === 1 ? 'was' : 'were'} already there`] : []),
    ...(present > 0 && copied === 0 ? ['nothing new'] : []),
    ...(filtered > 0 ? [leftOut(filtered)] : []),
    ...(reidentified > 0 ? [`${numberText(reidentified)} recognised under new ids`] : []),
    ...(vanished > 0 ? [`${numberText(vanished)} vanished from the server unfetched`] : []),
    ...(deleted > 0 ? [`${numberText(deleted)} deleted at the source`] : []),
  ]
  return found.length === 0 ? '' : `: ${found.join(', ')}`
}

function leftOut(count: number): string {
  return `${numberText(count)} left out by \`select\``
}

/** What went wrong with one account, gathered while it happens. */
class Trouble {
  readonly #account: string
  /** The target's last stop; a checkpoint after it shows that it went on. */
  readonly #targets = new Map<string, Fault>()
  /** By what happened, so that a thousand refusals are one line. */
  readonly #messages = new Map<
    string,
    { readonly fault: Fault; readonly target: string | undefined; readonly keys: MessageKey[]; count: number }
  >()
  readonly #short = { keys: [] as MessageKey[], count: 0 }
  #fault: Fault | undefined
  #counts: Counts | undefined
  failed = false

  constructor(account: string) {
    this.#account = account
  }

  /** A dry run leaves everything pending. */
  missing(dryRun: boolean): number {
    return this.failed && this.#counts ? this.#counts.failed + (dryRun ? 0 : this.#counts.pending) : 0
  }

  get exists(): boolean {
    return this.failed || this.#short.count > 0
  }

  on(event: Event): void {
    switch (event.type) {
      case 'target.stopped':
        this.#targets.set(event.target, event.fault)
        break
      case 'checkpoint':
        this.#targets.delete(event.target)
        break
      case 'message.failed':
        this.#failed(event)
        break
      case 'message.flagged':
        if (event.flag === 'size-mismatch') name(this.#short, event.key)
        break
      case 'account.finished':
        // Without a fault it was only stopped: nothing is wrong with it.
        this.failed = event.status !== 'ok' && (event.fault !== undefined || event.counts.failed > 0)
        this.#counts = event.counts
        this.#fault = event.fault
        break
      default:
    }
  }

  lines(dryRun: boolean): readonly string[] {
    const groups = [...this.#messages.values()]
    const told = new Set([...this.#targets.values(), ...groups.map(({ fault }) => fault)].map(({ code }) => code))
    const count = this.missing(dryRun)
    const missing = count > 0 ? `: ${countText(count, 'message')} missing` : ''
    return [
      `  ${printable(this.#account)}${missing}`,
      ...(this.#fault && !told.has(this.#fault.code) ? [`    ${faultText(this.#fault)}`] : []),
      ...[...this.#targets].map(([target, fault]) => `    target ${printable(target)}: ${faultText(fault)}`),
      ...groups.map(({ fault, target, ...named }) => {
        const where = target === undefined ? '' : ` into ${printable(target)}`
        return `    ${names(named)}${where}: ${faultText(fault)}`
      }),
      ...(this.#short.count > 0 ? [`    ${names(this.#short)}: ${flagTexts['size-mismatch']}`] : []),
    ]
  }

  #failed({ key, target, fault }: Extract<Event, { type: 'message.failed' }>): void {
    const reason = JSON.stringify([target ?? null, fault.code, fault.message])
    const group = this.#messages.get(reason) ?? { fault, target, keys: [], count: 0 }
    this.#messages.set(reason, group)
    name(group, key)
  }
}

const namedMessages = 10

function name(group: { readonly keys: MessageKey[]; count: number }, key: MessageKey): void {
  group.count++
  if (group.keys.length < namedMessages) group.keys.push(key)
}

function names({ keys, count }: { readonly keys: readonly MessageKey[]; readonly count: number }): string {
  const more = count > keys.length ? ` and ${numberText(count - keys.length)} more` : ''
  return `${count === 1 ? 'message' : 'messages'} ${keys.map(messageName).join(', ')}${more}`
}
