import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies, type Listed, listFrom } from '../imap/fetch.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import { slack } from './imap-claims.js'
import { fingerprint, FingerprintMaker, kinOf } from './imap-digest.js'
import type { Neighbours } from './imap-neighbours.js'

/** How many messages are looked for among what is already there (`ledger-missing`). */
const probes = 20

/**
 * Tells whether a lane finds messages already there that the ledger does not know: a lane without a past among all that
 * stands there, any other one among what came since its last commit.
 */
export class Strangers {
  #probesLeft: number
  /** Known to be the lane's own, as long as others are looked for. */
  readonly #ours: Set<number>
  /** The first UID that is looked at, and the last: what came since the first look is the lane's own, or nobody's. */
  readonly #from: number
  #last: number | undefined
  /** The first UID behind all that stood there at the last commit. */
  #end: number
  /** The server has not said where it has stored something since. */
  #untold = false
  readonly #young: boolean
  readonly #neighbours: Neighbours

  constructor(ours: Iterable<number>, { messages, receipts, next, end, adopting, neighbours }: Around) {
    this.#neighbours = neighbours
    this.#ours = new Set(ours)
    this.#young = receipts < probes
    this.#from = this.#young ? 1 : next
    this.#end = end
    const left = this.#young ? probes - receipts : probes
    this.#probesLeft = messages > 0 && !adopting ? left : 0
  }

  /** For the position; undefined where nobody will ask any more. */
  get ours(): readonly number[] | undefined {
    return this.#young && this.#probesLeft > 0 ? [...this.#ours] : undefined
  }

  /** The server has stored a message of the lane. */
  note(uid: number | undefined): void {
    if (uid === undefined) this.#untold = true
    else if (this.#probesLeft > 0) this.#ours.add(uid)
  }

  /** With each commit, the UID that the next message gets; where it did not say UIDs, all that came since may be the lane's. */
  committed(end: number): void {
    if (this.#untold && this.#probesLeft > 0) for (let uid = this.#end; uid < end; uid++) this.#ours.add(uid)
    this.#end = end
    this.#untold = false
  }

  async probe(messages: readonly Message[], dialogue: Dialogue, folder: string): Promise<void> {
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.length === 0) return
    this.#probesLeft -= probed.length
    const listed = await listFrom(dialogue, this.#from)
    const last = (this.#last ??= listed.at(-1)?.uid ?? 0)
    const strangers = listed.filter(({ uid }) => uid <= last && !this.#ours.has(uid))
    const sizes = new Set(probed.map(({ size }) => size))
    const same = strangers.filter(({ size }) => sizes.has(size))
    // A server may have added something to what it was given.
    const near = probed.slice(0, changed).flatMap(({ size }) => nearest(strangers, size))
    const digests = new Set(probed.map(({ sha256 }) => sha256))
    for (const message of probed.slice(0, changed)) {
      const whole = await fingerprint(message)
      digests.add(kinOf(whole, whole.plain) ?? message.sha256)
    }
    const uids = [...new Set([...same, ...near].map(({ uid }) => uid))]
    const bodies = [...(await fetchBodies(dialogue, uids, () => new FingerprintMaker()))]
    const copies = bodies.map(([uid, maker]) => ({ uid, ...maker.finish() }))
    for (const found of await this.#neighbours.strangers(copies)) {
      if (!digests.has(found.sha256) && !digests.has(kinOf(found, found.plain) ?? '')) continue
      throw new Fault('ledger-missing', `${folder} already holds messages of this account`)
    }
  }
}

/** How many of them are looked for in a changed form as well, and among how many. */
const changed = 3
const nearby = 20

/** What may be a message of this size that has grown at the server. */
function nearest(listed: readonly Listed[], octets: number): readonly Listed[] {
  const grown = listed.filter(({ size }) => size > octets && size <= octets + slack(octets))
  return grown.toSorted((one, other) => one.size - other.size).slice(0, nearby)
}

interface Around {
  readonly messages: number
  readonly receipts: number
  /** The first UID behind the lane's last commit. */
  readonly next: number
  /** The first UID behind all that stands there. */
  readonly end: number
  readonly adopting: boolean
  readonly neighbours: Neighbours
}
