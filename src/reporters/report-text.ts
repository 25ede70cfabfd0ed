import { escapeHtml, readable } from '../html/escape.js'
import type { MessageKey } from '../ports/message.js'

/** Text from outside as a part of the page: it stays where it is, whatever it holds. */
export function shown(text: string, limit = 300): string {
  return `<bdi>${escapeHtml(readable(text, limit))}</bdi>`
}

/** `2026-01-31 04:00 UTC`; without the time where `precisionMs` is a day or more, with seconds below a minute. */
export function timeText(ms: number, precisionMs = 60_000): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return 'an unknown time'
  const text = date.toISOString()
  if (precisionMs >= 86_400_000) return text.slice(0, 10)
  return `${text.slice(0, precisionMs < 60_000 ? 19 : 16).replace('T', ' ')} UTC`
}

/** As people see a message's id: the server's, or what stands for it. */
export function messageName(key: MessageKey): string {
  const [uidl = '', more = ''] = key.split('\n')
  if (uidl !== '') return `${escapeHtml(readable(uidl, 100))}${/^\d+$/.test(more) ? ` (no. ${more})` : ''}`
  const [, number] = /^#(\d+)/.exec(more) ?? []
  return number === undefined ? escapeHtml(readable(more, 80)) : `no. ${number} (without id)`
}
