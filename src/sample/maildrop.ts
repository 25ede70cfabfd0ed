import type { SampleMessage } from './message.js'

/** What one session did to a maildrop. */
export interface Changes {
  readonly retrieved: ReadonlySet<SampleMessage>
  readonly deleted: ReadonlySet<SampleMessage>
}

/** A user's messages in the order of arrival, with the exclusive lock of RFC 1939 §4. */
export class Maildrop {
  messages: SampleMessage[]
  #locked = false

  constructor(messages: Iterable<SampleMessage>) {
    this.messages = [...messages]
  }

  /** The messages of a new session, numbered from 1; undefined while another session has the maildrop open. */
  open(): readonly SampleMessage[] | undefined {
    if (this.#locked) return undefined
    this.#locked = true
    return this.view()
  }

  /** The UPDATE state: what QUIT does. */
  update({ deleted }: Changes): void {
    if (deleted.size > 0) this.messages = this.messages.filter((message) => !deleted.has(message))
  }

  close(): void {
    this.#locked = false
  }

  protected view(): readonly SampleMessage[] {
    return [...this.messages]
  }
}
