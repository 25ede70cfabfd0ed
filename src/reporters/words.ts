import type { Event } from '../ports/event.js'
import type { Fault } from '../ports/fault.js'
import type { MessageKey } from '../ports/message.js'
import { bytesText, countText, durationText, numberText } from '../ports/figures.js'
import { printable } from './printable.js'

/** What happened (server, phase): "the server's own words" — what to do. One line; the caller names account and target. */
export function faultText(fault: Fault): string {
  return `${happened(fault)} — ${printable(fault.hint)}`
}

/** The same without advice, for places that name many. */
export function happened({ code, message, facts: { server, phase, reply } }: Fault): string {
  const where = [server, phase].filter((part) => part !== undefined).join(', ')
  const what = code === 'internal' ? `internal error: ${message}` : message
  return [
    printable(what),
    where === '' ? '' : ` (${printable(where)})`,
    reply === undefined || reply === '' ? '' : `: "${printable(reply)}"`,
  ].join('')
}

/** The UIDL as the server gave it: without the occurrence that tells its repetitions apart. */
export function uidlOf(key: MessageKey): string {
  const [uidl = '', digest = ''] = key.split('\n')
  // A message without id is known by its digest, once it was fetched.
  return uidl === '' && digest.startsWith('sha256:') ? digest : uidl
}

/** A message's id as people see it. */
export function messageName(key: MessageKey): string {
  const [uidl = '', more = ''] = key.split('\n')
  if (uidl !== '') return `"${printable(uidl, 80)}"${more === '' ? '' : ` (no. ${more})`}`
  // By its place in the listing until it was fetched, then by its digest.
  const [, number] = /^#(\d+)/.exec(more) ?? []
  return `${number === undefined ? more.slice(0, 'sha256:'.length + 16) : `no. ${number}`} (without id)`
}

/** One line for the log; undefined for what only counters and bars show. */
export function eventText(event: Event): string | undefined {
  switch (event.type) {
    case 'account.started':
      return `${printable(event.account)}: connecting to ${printable(event.server)}`
    case 'account.listed': {
      const { account, messages, bytes, missing, missingBytes } = event
      const all = `${countText(messages, 'message')} on the server (${bytesText(bytes)})`
      return `${printable(account)}: ${all}, ${numberText(missing)} to copy (${bytesText(missingBytes)})`
    }
    case 'message.failed': {
      const target = event.target === undefined ? '' : ` into ${printable(event.target)}`
      return `${printable(event.account)}: message ${messageName(event.key)} not copied${target}: ${faultText(event.fault)}`
    }
    case 'message.flagged':
      return `${printable(event.account)}: message ${messageName(event.key)}: ${flagTexts[event.flag]}`
    case 'retry': {
      const pause = `attempt ${event.attempt} in ${durationText(event.delayMs / 1000)}`
      return `${printable(event.account)}: ${happened(event.fault)}; ${pause}`
    }
    case 'target.stopped':
      return `${printable(event.account)}, target ${printable(event.target)}: ${faultText(event.fault)}`
    case 'target.adopted': {
      const { account, target, messages, others } = event
      const found = messages === 0 ? 'nothing more was found there' : `${countText(messages, 'message')} found there`
      const left = others === 0 ? '' : `; ${numberText(others)} more stand there and are left as they are`
      return `${printable(account)}, target ${printable(target)}: ${found}${left}`
    }
    case 'warning':
      return `warning: ${event.account === undefined ? '' : `${printable(event.account)}: `}${printable(event.message)}`
    case 'account.finished':
      return finishedText(event)
    case 'protocol':
      return `${printable(event.account)} ${event.direction} ${printable(event.line)}`
    case 'run.started':
    case 'message.wanted':
    case 'message.fetched':
    case 'checkpoint':
    case 'run.finished':
      return undefined
  }
}

function finishedText({ account, status, counts, fault }: Extract<Event, { type: 'account.finished' }>): string {
  const name = printable(account)
  if (status !== 'ok' && fault) return `${name}: ${faultText(fault)}`
  const { listed, copied, present, filtered, reidentified, pending, deleted, bytes } = counts
  if (status !== 'ok' && listed === 0) return `${name}: stopped before its messages were listed`
  const parts = [
    ...(copied > 0 ? [`${countText(copied, 'message')} copied (${bytesText(bytes)})`] : []),
    ...(present > 0 ? [`${numberText(present)} already there`] : []),
    ...(reidentified > 0 ? [`${numberText(reidentified)} recognised under new ids`] : []),
    ...(filtered > 0 ? [`${numberText(filtered)} left out by \`select\``] : []),
    ...(pending > 0 ? [`${numberText(pending)} not copied yet`] : []),
    ...(deleted > 0 ? [`${numberText(deleted)} deleted at the source`] : []),
  ]
  return `${name}: ${parts.length === 0 ? 'nothing to copy' : parts.join(', ')}`
}

/** What a flag means to the owner of the mail. */
export const flagTexts = {
  'size-mismatch': 'arrived shorter than the server lists it; the longest copy that came is stored',
  'unstuffed-dot': 'the server does not double leading dots; stored as it came',
  'wrapped-by-server':
    'the server puts it into a note, because it has characters beyond ASCII in its header; stored as it came',
  'newline-added': 'its last line had no end; the stored form has one',
  'lossy-form': 'its exact bytes cannot be told from the stored form (bare line feeds); nothing visible is lost',
  'reidentified-by-header': 'known under another id; only its header is the same, the server changes the rest',
  'date-missing': 'it has no usable date; its file is dated 1970-01-01',
  'merged-by-target': 'the target’s server keeps it and another message as one',
} as const satisfies Record<Extract<Event, { type: 'message.flagged' }>['flag'], string>
