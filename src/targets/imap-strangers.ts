import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies, listFrom } from '../imap/fetch.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import { FingerprintMaker } from './imap-digest.js'

/** How many of a lane's first messages are looked for among what is already there (`ledger-missing`). */
const probes = 20

/** Tells whether a lane without a past finds its messages already there. */
export class Strangers {
  #probesLeft: number
  /** Known to be the lane's own, as long as others are looked for. */
  readonly #ours: Set<number>

  constructor(
    ours: Iterable<number>,
    { messages, receipts }: { readonly messages: number; readonly receipts: number },
  ) {
    this.#ours = new Set(ours)
    this.#probesLeft = messages > 0 ? Math.max(0, probes - receipts) : 0
  }

  /** For the position; undefined where nobody will ask any more. */
  get ours(): readonly number[] | undefined {
    return this.#probesLeft > 0 ? [...this.#ours] : undefined
  }

  note(uid: number): void {
    if (this.#probesLeft > 0) this.#ours.add(uid)
  }

  async probe(messages: readonly Message[], dialogue: Dialogue, folder: string): Promise<void> {
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.length === 0) return
    this.#probesLeft -= probed.length
    const listed = await listFrom(dialogue, 1)
    const sizes = new Set(probed.map(({ size }) => size))
    const same = listed.filter(({ uid, size }) => sizes.has(size) && !this.#ours.has(uid)).map(({ uid }) => uid)
    const digests = new Set(probed.map(({ sha256 }) => sha256))
    for (const maker of (await fetchBodies(dialogue, same, () => new FingerprintMaker())).values()) {
      if (!digests.has(maker.finish().sha256)) continue
      throw new Fault('ledger-missing', `${folder} already holds messages of this account`)
    }
  }
}
