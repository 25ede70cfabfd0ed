import type { FileHandle } from 'node:fs/promises'
import type { MboxForm } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Progress } from '../ports/target.js'
import type { Looking } from './mbox-copies.js'
import { extent, fromLines, readings } from './mbox-scan.js'
import type { Standing } from './mbox-standing.js'

/** How many messages are looked for among those that the ledger does not know. */
const probes = 20

/**
 * What an mbox holds and the ledger does not speak of: what was there before the lane, and what came behind its last commit.
 * If one of the first messages to be stored is already there, the ledger was lost, or an old one put back, and going on
 * would store everything a second time (`ledger-missing`). Its own messages stand between the two and are never looked at.
 */
export class Strangers {
  /** Where the lane's own part of the file begins; as long as it is asked what was there before it. */
  readonly before: number | undefined
  readonly #file: FileHandle
  readonly #path: string
  readonly #form: MboxForm
  readonly #gotOn: (() => void) | undefined
  readonly #begun: ReadonlySet<MessageKey>
  readonly #parts: readonly Part[]

  constructor({ file, path, end, form, gotOn, progress, standing }: StrangersOptions) {
    const { receipts, announced, adopting } = progress
    this.#file = file
    this.#path = path
    this.#form = form
    this.#gotOn = gotOn
    this.#begun = new Set(announced.map(({ key }) => key))
    // In a series, this may be another file than the one that was there before.
    const known = standing?.path === path ? standing : undefined
    const before = standing ? Math.min(known?.before ?? 0, end) : end
    const asked = !adopting && receipts < probes && before > 0
    this.before = asked ? before : undefined
    const parts: Part[] = [{ from: 0, end: asked ? before : 0, left: probes - receipts }]
    if (known && !adopting) {
      // Behind it stands as well what dead runs have announced.
      const own = [...announced, ...(known.owed ?? []), ...(known.left ?? [])]
      parts.push({ from: known.size, end, left: probes, own: new Map(own.map((one) => [one.key, one.sha256])) })
    }
    this.#parts = parts.filter((part) => part.from < part.end)
  }

  async refuse(messages: readonly Message[]): Promise<void> {
    // What a dead run has begun was looked for then, as far as it had to be.
    const fresh = messages.filter(({ key }) => !this.#begun.has(key))
    for (const part of this.#parts) {
      const probed = fresh.filter(({ key }) => part.own?.has(key) !== true).slice(0, part.left)
      if (probed.length === 0) continue
      part.digests ??= await this.#digestsIn(part)
      const { digests } = part
      if (probed.some(({ sha256 }) => digests.has(sha256))) {
        throw new Fault('ledger-missing', `${this.#path} already holds messages of this account`)
      }
      part.left -= probed.length
    }
  }

  async #digestsIn({ from, end }: Part): Promise<ReadonlySet<string>> {
    const starts = await fromLines(this.#file, from, end, this.#gotOn)
    const digests = new Set<string>()
    for (const [index, start] of starts.entries()) {
      const message = await extent(this.#file, start, starts[index + 1] ?? end)
      for (const { sha256 } of await readings(this.#file, message, this.#form, this.#gotOn)) digests.add(sha256)
    }
    return digests
  }
}

interface Part {
  readonly from: number
  readonly end: number
  /** So many messages are still looked for. */
  left: number
  /** What dead runs have announced, which may stand there: keys and digests. */
  readonly own?: ReadonlyMap<MessageKey, string>
  digests?: ReadonlySet<string>
}

interface StrangersOptions extends Looking {
  readonly file: FileHandle
  readonly path: string
  /** How long the file is as the lane opens. */
  readonly end: number
  readonly progress: Progress
  readonly standing: Standing | undefined
}
