import type { Dialogue } from '../imap/dialogue.js'
import { type Mailbox, mailboxStatus } from '../imap/mailbox.js'

/**
 * Sees to it that what a commit speaks of stands in the folder that the lane has opened. A server that tells with each
 * message where it stands (APPENDUID, RFC 4315 §3) is asked at the end alone: a round trip for each batch costs a tenth of
 * the time on a slow line.
 */
export class FolderWatch {
  readonly #dialogue: Dialogue
  readonly #mailbox: Mailbox
  /** In the plan's words. */
  readonly #folder: string
  /** Since the last commit: messages that were stored, and how many of them the server has told to stand here. */
  #stored = 0
  #here = 0
  /** Commits were made since the server was asked. */
  #unasked = false

  constructor(dialogue: Dialogue, mailbox: Mailbox, folder: string) {
    this.#dialogue = dialogue
    this.#mailbox = mailbox
    this.#folder = folder
  }

  stored(uidValidity: number | undefined): void {
    this.#stored++
    if (uidValidity === this.#mailbox.uidValidity) this.#here++
  }

  /** Before a commit. Resolves with the UID that the next message gets, 0 where that was not asked. */
  async committing(): Promise<number> {
    const told = this.#stored > 0 && this.#here === this.#stored
    this.#stored = this.#here = 0
    this.#unasked = told
    return told ? 0 : this.#ask()
  }

  /** When nothing more is to come. */
  async ending(): Promise<number> {
    return this.#unasked ? this.#ask() : 0
  }

  async #ask(): Promise<number> {
    const { name, uidValidity } = this.#mailbox
    const status = await mailboxStatus(this.#dialogue, name, ['UIDVALIDITY', 'UIDNEXT'])
    if (status?.get('UIDVALIDITY') === uidValidity) return status.get('UIDNEXT') ?? 0
    throw this.#dialogue.wire.connection.fault('target-gone', `the folder ${this.#folder} is gone`)
  }
}
