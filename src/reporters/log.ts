import type { Event, Reporter } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'
import { printable } from './printable.js'
import type { Output, Paint, Tone } from './style.js'
import { eventText } from './words.js'

export interface LogOptions {
  readonly output: Output
  readonly paint: Paint
  /** Failures and warnings only. */
  readonly quiet: boolean
  /** 1: more lines; 2: the protocol as well. */
  readonly verbosity: number
}

/** Prints what happens while it happens: failures and warnings always, the rest as it is wanted. */
export function logReporter(options: LogOptions): Reporter {
  const log = new Log(options)
  return {
    on(event) {
      const tone = log.toneOf(event)
      const text = tone && (log.cut(event) ?? eventText(event))
      if (tone && text !== undefined) options.output.write(`${options.paint(tone, text)}\n`)
    },
    async [Symbol.asyncDispose]() {
      // Every line is written by now.
    },
  }
}

/** Only the protocol, for `--json -vv`: stdout holds everything else. */
export function transcriptReporter(output: Output): Reporter {
  return {
    on(event) {
      if (event.type === 'protocol') output.write(`${eventText(event) ?? ''}\n`)
    },
    async [Symbol.asyncDispose]() {
      // Every line is written by now.
    },
  }
}

class Log {
  readonly #options: Pick<LogOptions, 'quiet' | 'verbosity'>
  /** An account ends with a fault that was told before, as a target's or a message's. */
  readonly #told = new WeakSet<Fault>()
  readonly #failures = new Map<string, number>()

  constructor(options: Pick<LogOptions, 'quiet' | 'verbosity'>) {
    this.#options = options
  }

  /** How to show an event; undefined: not at all. */
  toneOf(event: Event): Tone | undefined {
    const { quiet, verbosity } = this.#options
    const verbose: Tone | undefined = verbosity > 0 && !quiet ? 'plain' : undefined
    switch (event.type) {
      case 'message.failed':
        this.#told.add(event.fault)
        return this.#countFailure(event.account) > shownFailures + 1 ? undefined : 'bad'
      case 'target.stopped':
        this.#told.add(event.fault)
        return 'bad'
      case 'warning':
        return 'warning'
      case 'message.flagged':
        return event.flag === 'size-mismatch' ? 'warning' : verbose
      case 'target.adopted':
      case 'retry':
        return quiet ? undefined : 'plain'
      case 'account.started':
      case 'account.listed':
        return verbose
      case 'account.finished':
        return this.#finished(event) ?? verbose
      case 'protocol':
        return verbosity > 1 ? 'plain' : undefined
      default:
        return undefined
    }
  }

  /** The line that stands for all further failed messages of an account. */
  cut(event: Event): string | undefined {
    if (event.type !== 'message.failed' || (this.#failures.get(event.account) ?? 0) <= shownFailures) return undefined
    return `${printable(event.account)}: more messages failed; \`--json\` names all of them`
  }

  #finished(event: Extract<Event, { type: 'account.finished' }>): Tone | undefined {
    if (event.status !== 'ok') return event.fault && this.#told.has(event.fault) ? undefined : 'bad'
    return event.counts.copied > 0 && !this.#options.quiet ? 'good' : undefined
  }

  #countFailure(account: string): number {
    const count = (this.#failures.get(account) ?? 0) + 1
    this.#failures.set(account, count)
    return count
  }
}

const shownFailures = 10
