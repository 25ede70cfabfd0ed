import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies, listFrom } from '../imap/fetch.js'
import { UidSet } from '../imap/uid-set.js'
import type { Message, MessageKey } from '../ports/message.js'
import { candidates } from './imap-claims.js'
import { type Fingerprint, fingerprint, FingerprintMaker } from './imap-digest.js'
import type { Neighbours } from './imap-neighbours.js'
import { shortened } from './imap-where.js'

/**
 * Messages that a dead run had announced, that were not to be seen at the server, and that were stored again: the lost
 * session may store them late all the same (QUIRKS APP-01). Part of a position.
 */
export interface Doubts {
  /** Late copies have this UID or a higher one. */
  readonly from: number
  /** When the last of them was stored again, ms since 1970. */
  readonly since: number
  /** Which of these UIDs are known to be the lane's own. */
  readonly ours: string
  readonly messages: readonly Doubt[]
  /** Digests of real twins that were stored beside them, where the server does not say which copies are ours. */
  readonly others?: readonly string[]
  /** Copies to remove, and those that the receipts speak of instead. */
  readonly removing?: readonly Removal[]
}

export interface Doubt {
  readonly key: MessageKey
  readonly sha256: string
  readonly loose: string
  readonly size: number
  /** Of the copy that the receipt speaks of; absent where the server does not say. */
  readonly uid?: number
}

export interface Removal {
  readonly remove: number
  readonly keep: number
}

/** A message in doubt, and the copy of it that has come late. */
export interface Late {
  readonly doubt: Doubt
  readonly uid: number
}

/** Keeps the messages in doubt, and finds their late copies. */
export class LateCopies {
  readonly #ours: UidSet
  #messages: Doubt[]
  #removing: readonly Removal[]
  /** Digests of what else was stored where the server does not say which copies are ours. */
  readonly #others: string[]
  readonly #watching: boolean
  #from: number
  #since: number

  /**
   * `from`: the UID that the next message gets, now that everything which stands has been looked at. `arising`: there are
   * messages that may come to be in doubt.
   */
  constructor(known: Doubts | undefined, from: number, arising: boolean) {
    this.#watching = arising || known !== undefined
    this.#ours = new UidSet(known?.ours)
    this.#others = [...(known?.others ?? [])]
    this.#messages = [...(known?.messages ?? [])]
    this.#removing = known?.removing ?? []
    this.#from = known?.from ?? from
    this.#since = known?.since ?? 0
  }

  get doubts(): Doubts | undefined {
    if (this.#messages.length === 0 && this.#removing.length === 0) return undefined
    const digests = new Set(this.#messages.map(({ sha256 }) => sha256))
    const others = this.#others.filter((sha256) => digests.has(sha256))
    return {
      from: this.#from,
      since: this.#since,
      ours: this.#ours.toString(),
      messages: this.#messages,
      ...(others.length > 0 && { others }),
      ...(this.#removing.length > 0 && { removing: this.#removing }),
    }
  }

  get removing(): readonly Removal[] {
    return this.#removing
  }

  set removing(removals: readonly Removal[]) {
    this.#removing = removals
  }

  /** The lane has a receipt for this copy. */
  note(uid: number | undefined, sha256: string): void {
    if (!this.#watching) return
    if (uid === undefined) this.#others.push(sha256)
    else if (uid >= this.#from) this.#ours.add(uid)
  }

  /** A message that a dead run had announced was stored again. */
  async doubt(message: Message, uid: number | undefined, now: number): Promise<void> {
    if (uid !== undefined) this.#ours.add(uid)
    const { sha256, loose, size } = await fingerprint(message)
    const { key } = message
    this.#messages.push({ key, sha256, loose: shortened(loose), size, ...(uid !== undefined && { uid }) })
    this.#since = now
  }

  /** Nobody thinks any more that a session of then may still act. */
  forget(now: number, afterMs: number): void {
    if (Math.abs(now - this.#since) >= afterMs) this.#messages = []
  }

  /** What has come since; each copy stands for one message in doubt, which is none any more. */
  async find(dialogue: Dialogue, neighbours: Neighbours): Promise<readonly Late[]> {
    if (this.#messages.length === 0) return []
    const listed = (await listFrom(dialogue, this.#from)).filter(({ uid }) => !this.#ours.has(uid))
    const sizes = this.#messages.map(({ size }) => size)
    const found: Late[] = []
    const copies = await fetchBodies(dialogue, candidates(listed, sizes), () => new FingerprintMaker())
    const own = new Set<Doubt>(this.#messages.filter(({ uid }) => uid === undefined))
    const others = [...this.#others]
    const standing = [...copies].map(([uid, maker]) => ({ uid, ...maker.finish() }))
    for (const copy of (await neighbours.without(standing)).toSorted((one, next) => one.uid - next.uid)) {
      const { uid } = copy
      const other = others.indexOf(copy.sha256)
      const first = this.#messages.find((doubt) => own.has(doubt) && same(doubt, copy))
      if (first) own.delete(first)
      else if (other >= 0) others.splice(other, 1)
      if (first || other >= 0) continue
      const doubt = this.#messages.find((one) => same(one, copy))
      if (!doubt) continue
      this.#messages = this.#messages.filter((one) => one !== doubt)
      found.push({ doubt, uid })
      // A twin that is still in doubt must never be taken for this one: its own copy would be removed.
      this.#ours.add(uid)
      if (doubt.uid === undefined) this.#others.push(doubt.sha256)
    }
    return found
  }
}

function same({ sha256, loose }: Doubt, copy: Fingerprint): boolean {
  return copy.sha256 === sha256 || shortened(copy.loose) === loose
}
