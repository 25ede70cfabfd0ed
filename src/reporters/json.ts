import type { Clock } from '../ports/clock.js'
import type { Event, Reporter } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'
import { printableJson } from './printable.js'
import type { Output } from './style.js'
import { happened, uidlOf } from './words.js'

/** One JSON object a line (CONTRACT, `--json`). */
export function jsonReporter(output: Output, clock: Pick<Clock, 'now'>): Reporter {
  return {
    on(event) {
      const fields = fieldsOf(event)
      if (fields) output.write(jsonLine(event.type, fields, clock))
    },
    async [Symbol.asyncDispose]() {
      // Every line is written by now.
    },
  }
}

/** A line of any type; for the commands that have results of their own. */
export function jsonLine(type: string, fields: object, clock: Pick<Clock, 'now'>): string {
  return `${printableJson({ type, time: new Date(clock.now()).toISOString(), ...fields })}\n`
}

/** The fields that the contract names; undefined where an event is not for programs. */
function fieldsOf(event: Event): object | undefined {
  switch (event.type) {
    case 'run.started':
    case 'account.started':
    case 'checkpoint':
    case 'account.listed':
    case 'target.adopted':
    case 'warning':
      return event
    case 'message.wanted':
      return { account: event.account, uidl: uidlOf(event.key), size: event.size }
    case 'message.failed': {
      const { account, key, target, fault } = event
      return { account, uidl: uidlOf(key), ...(target !== undefined && { target }), ...faultFields(fault) }
    }
    case 'message.flagged':
      return { account: event.account, uidl: uidlOf(event.key), flag: event.flag }
    case 'retry': {
      const { account, attempt, delayMs, fault } = event
      return { account, attempt, delayMs, ...faultFields(fault) }
    }
    case 'target.stopped':
      return { account: event.account, target: event.target, ...faultFields(event.fault) }
    case 'account.finished': {
      const { account, status, counts, seconds, fault } = event
      return { account, status, ...counts, seconds: toMilliseconds(seconds), ...(fault && faultFields(fault)) }
    }
    case 'run.finished': {
      const { run, exitCode, counts, seconds, dryRun } = event
      return { run, exitCode, ...counts, seconds: toMilliseconds(seconds), dryRun }
    }
    case 'message.fetched':
    case 'protocol':
      return undefined
  }
}

/** `code`, `transient`, `error` and `hint`. */
export function faultFields(fault: Fault): object {
  return { code: fault.code, transient: fault.transient, error: happened(fault), hint: fault.hint }
}

export function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
