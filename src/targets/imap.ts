import type { ImapClient } from '../imap/client.js'
import { type Mailbox, openMailbox } from '../imap/mailbox.js'
import { Fault } from '../ports/fault.js'
import type { Lane, Progress, ReadBack, Receipt, Target, Writer } from '../ports/target.js'
import { readMailbox } from './imap-read.js'
import type { ImapSettings } from './imap-settings.js'
import { type ImapContext, ImapWriter } from './imap-writer.js'

/** One folder of an IMAP server. */
export class ImapTarget implements Target {
  readonly shareable = true
  readonly place: string
  readonly #settings: ImapSettings
  readonly #context: ImapContext
  readonly #connect: (signal: AbortSignal) => Promise<ImapClient>

  constructor(settings: ImapSettings, context: ImapContext, way: Way) {
    this.#settings = settings
    this.#context = context
    this.#connect = async (signal) => way.connect(signal)
    const folder = settings.folder.replace(/^inbox(?=\/|$)/i, 'INBOX')
    this.place = `imap:${way.user}@${way.server}/${folder}`
  }

  async open(_: Lane, progress: Progress, signal: AbortSignal): Promise<Writer> {
    return ImapWriter.open(this.#settings, this.#context, progress, async () => this.#connect(signal))
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    const client = await this.#connect(new AbortController().signal)
    try {
      yield* readMailbox(client, await this.#mailbox(client), receipts)
      await client.logout()
    } finally {
      client.drop()
    }
  }

  /** Undefined where there is no such folder. */
  async #mailbox({ dialogue, capabilities }: ImapClient): Promise<Mailbox | undefined> {
    const { folder } = this.#settings
    try {
      return await openMailbox(dialogue, { folder, capabilities, create: false, warn: this.#context.warn })
    } catch (error) {
      if (error instanceof Fault && error.code === 'target-gone') return undefined
      throw error
    }
  }
}

/** How to get there. */
export interface Way {
  readonly user: string
  /** `host`, or `host:port` where the port is not the usual one. */
  readonly server: string
  connect(signal: AbortSignal): Promise<ImapClient>
}
