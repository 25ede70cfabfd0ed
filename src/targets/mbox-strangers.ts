import type { FileHandle } from 'node:fs/promises'
import type { MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import { extent, fromLines, readings } from './mbox-scan.js'

/** How many of a lane's first messages are looked for among what was there before it. */
export const probes = 20

/**
 * What an mbox held before the lane came to it. If one of the lane's first messages is already there, the ledger was
 * lost, and going on would store everything a second time (`ledger-missing`).
 */
export class Strangers {
  /** Where the lane's own part of the file begins. */
  readonly end: number
  readonly #path: string
  readonly #digests: ReadonlySet<string>
  #probesLeft: number

  /** Reads the file up to `end` once. */
  static async in(file: FileHandle, part: StrangersPart, form: MboxForm): Promise<Strangers> {
    const starts = await fromLines(file, 0, part.end)
    const digests = new Set<string>()
    for (const [index, start] of starts.entries()) {
      const message = await extent(file, start, starts[index + 1] ?? part.end)
      for (const { sha256 } of await readings(file, message, form)) digests.add(sha256)
    }
    return new Strangers(part, digests)
  }

  private constructor({ path, end, receipts }: StrangersPart, digests: ReadonlySet<string>) {
    this.#path = path
    this.end = end
    this.#digests = digests
    this.#probesLeft = probes - receipts
  }

  refuse(messages: readonly Message[]): void {
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.some(({ sha256 }) => this.#digests.has(sha256))) {
      throw new Fault('ledger-missing', `${this.#path} already holds messages of this account`)
    }
    this.#probesLeft -= probed.length
  }
}

interface StrangersPart {
  readonly path: string
  readonly end: number
  /** So many of the lane's first messages were already let in. */
  readonly receipts: number
}
