import { type Answer, Appender, type Upload } from '../imap/appender.js'
import type { ImapClient } from '../imap/client.js'
import type { Mailbox } from '../imap/mailbox.js'
import { asFault } from '../ports/fault.js'
import type { WarningCode } from '../ports/warning.js'

export interface UploadOptions {
  readonly first: ImapClient
  readonly mailbox: Mailbox
  readonly flags: readonly string[]
  /** How many connections to upload over. */
  readonly connections: number
  readonly connect: () => Promise<ImapClient>
  readonly warn: (code: WarningCode, message: string) => void
}

/** The connections over which one lane uploads; each message takes the one that has least to do. */
export class Uploads {
  readonly #ways: readonly Way[]

  /**
   * A server may allow fewer connections than the plan (QUIRKS APP-25). Where it does not say which UIDs it gave, one is
   * all: whether the folder's counters know of another connection's messages yet, nobody can tell then.
   */
  static async open({ first, mailbox, flags, connections, connect, warn }: UploadOptions): Promise<Uploads> {
    const more = first.capabilities.has('UIDPLUS') ? connections - 1 : 0
    const opened = await Promise.allSettled(Array.from({ length: more }, connect))
    const clients = [first]
    for (const one of opened) {
      if (one.status === 'fulfilled') clients.push(one.value)
      else warn('fewer-connections', `not all ${connections} connections can be had: ${asFault(one.reason).message}`)
    }
    return new Uploads(
      clients.map((client) => {
        const { dialogue, capabilities } = client
        return { client, appender: new Appender(dialogue, mailbox, { flags, capabilities }), octets: 0 }
      }),
    )
  }

  private constructor(ways: readonly Way[]) {
    this.#ways = ways
  }

  async append(upload: Upload): Promise<Answer> {
    const way = this.#ways.reduce((best, one) => (one.octets < best.octets ? one : best))
    const octets = upload.size + overhead
    way.octets += octets
    try {
      return await way.appender.append(upload)
    } finally {
      way.octets -= octets
    }
  }

  async close(): Promise<void> {
    const idle = this.#ways.every(({ client }) => client.dialogue.pending === 0)
    await Promise.all(
      this.#ways.map(async ({ client }) => {
        if (idle) await client.logout()
        else client.drop()
      }),
    )
  }
}

interface Way {
  readonly client: ImapClient
  readonly appender: Appender
  /** Under way or waiting. */
  octets: number
}

/** What a message costs beside its octets. */
const overhead = 1000
