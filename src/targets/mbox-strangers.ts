import type { FileHandle } from 'node:fs/promises'
import type { MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import { extent, fromLines, readings } from './mbox-scan.js'

/**
 * What an mbox held before a lane without a past came to it. If one of the lane's first messages is already there, the
 * ledger was lost, and going on would store everything a second time (ARCHITECTURE, `ledger-missing`).
 */
export class Strangers {
  readonly #path: string
  readonly #digests: ReadonlySet<string>
  #probesLeft = 20

  /** Reads the whole file once. */
  static async in(file: FileHandle, path: string, form: MboxForm): Promise<Strangers> {
    const { size } = await file.stat()
    const starts = await fromLines(file, 0, size)
    const digests = new Set<string>()
    for (const [index, start] of starts.entries()) {
      const message = await extent(file, start, starts[index + 1] ?? size)
      for (const { sha256 } of await readings(file, message, form)) digests.add(sha256)
    }
    return new Strangers(path, digests)
  }

  private constructor(path: string, digests: ReadonlySet<string>) {
    this.#path = path
    this.#digests = digests
  }

  refuse(message: Message): void {
    if (this.#probesLeft === 0) return
    this.#probesLeft--
    if (!this.#digests.has(message.sha256)) return
    throw new Fault('ledger-missing', `${this.#path} already holds messages of this account`)
  }
}
