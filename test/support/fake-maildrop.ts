import { Maildrop, type Changes } from '../../src/sample/maildrop.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'

export interface MaildropHabits {
  /** Gmail: shows the first so many that are not popped; a RETR and a clean QUIT pop (QUIRKS PRV-01). */
  readonly window?: number
  /** Shows the newest so many only, whatever was fetched (QUIRKS PRV-10). */
  readonly newest?: number
  /** Every other session numbers the messages the other way round (QUIRKS LST-10, SES-06). */
  readonly renumber?: boolean
  /** A clean QUIT removes what was retrieved (QUIRKS CAP-07). */
  readonly expire?: boolean
}

/** A maildrop with habits. */
export class FakeMaildrop extends Maildrop {
  readonly popped = new Set<SampleMessage>()
  readonly #habits: MaildropHabits
  #sessions = 0

  constructor(messages: Iterable<SampleMessage>, habits: MaildropHabits) {
    super(messages)
    this.#habits = habits
  }

  override update(changes: Changes): void {
    const { retrieved, deleted } = changes
    for (const message of retrieved) this.popped.add(message)
    super.update(this.#habits.expire ? { retrieved, deleted: new Set([...retrieved, ...deleted]) } : changes)
  }

  protected override view(): readonly SampleMessage[] {
    const { window, newest = Infinity, renumber } = this.#habits
    const all = super.view().slice(-newest)
    const shown = window === undefined ? all : all.filter((message) => !this.popped.has(message)).slice(0, window)
    return renumber && this.#sessions++ % 2 === 1 ? shown.toReversed() : shown
  }
}

/** Bytes and texts (UTF-8) become messages with the ids `u1`, `u2`, … */
export function asMessages(list: Iterable<string | Uint8Array | SampleMessage>): SampleMessage[] {
  return Array.from(list, (item, index) => {
    if (typeof item !== 'string' && !(item instanceof Uint8Array)) return item
    return memoryMessage(`u${index + 1}`, typeof item === 'string' ? Buffer.from(item) : item)
  })
}

/** What arrives at a client: the message, with a CRLF at its end. */
export function asServed(bytes: Uint8Array): Buffer {
  const whole = Buffer.from(bytes)
  return whole.subarray(-2).toString('latin1') === '\r\n' ? whole : Buffer.concat([whole, Buffer.from('\r\n')])
}
