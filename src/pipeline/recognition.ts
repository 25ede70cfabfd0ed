import type { KnownMessage, Ledger, Likeness } from '../ports/ledger.js'
import { type MessageKey, uidlOf } from '../ports/message.js'
import type { Lane } from '../ports/target.js'
import { isMultipart } from './fingerprint.js'
import type { FetchedMessage } from './intake.js'
import { contentKey, reusedKey } from './keys.js'
import type { Roster } from './roster.js'

/**
 * Why an id is not taken at its word, and which message it stood for until now:
 *
 * - `reset`: new, in a maildrop that came back with new ids;
 * - `shared`: one of several with the same UIDL, of which some are gone or new;
 * - `resized`: known with another size;
 * - `anonymous`: there is no id.
 */
export interface Doubt {
  readonly kind: 'reset' | 'shared' | 'resized' | 'anonymous'
  readonly was: MessageKey
}

export interface Recognised {
  /** The message's own key. */
  readonly key: MessageKey
  /** The lanes that have it, as the ledger names them. */
  readonly targets: readonly string[]
  /** `bytes`, `header`: it was known under another id; `reused`: its id was that of another message. */
  /** It may be longer than the copy that is stored: nothing but the header says that it is the same. */
  readonly byHeader?: true
  readonly how: 'bytes' | 'header' | 'reused' | 'same' | 'new'
}

/** Finds the messages of the ledger that fetched ones are. Each is found once, and only while no listed id stands for it. */
export class Recognition {
  readonly #account: string
  readonly #roster: Roster
  readonly #ledger: Ledger
  readonly #lanes: readonly string[]
  readonly #unfinished: readonly KnownMessage[]
  /** By digest, for those that several messages have; the next one to be found is the last. */
  readonly #candidates = new Map<string, KnownMessage[]>()
  readonly #occurrences = new Map<string, number>()

  /** `unfinished`: announced by dead runs for any lane of the account, or in quarantine; copies may stand in targets. */
  constructor(context: RecognitionContext, unfinished: readonly KnownMessage[]) {
    this.#account = context.account
    this.#roster = context.roster
    this.#ledger = context.ledger
    this.#lanes = context.books.map(({ recorded }) => recorded.target)
    this.#unfinished = unfinished
  }

  /** Changes nothing: the message is found when the roster says so. */
  async recognise(number: number, message: FetchedMessage, { kind, was }: Doubt): Promise<Recognised> {
    if (kind === 'anonymous') return this.#byContent(number, message)
    const listed = this.#roster.entry(number).key
    if (kind === 'reset') return (await this.#underNewId(number, message)) ?? fresh(listed)
    const family = await this.#family(uidlOf(listed))
    const twin = family.find(({ key, sha256 }) => sha256 === message.sha256 && this.#free(key, number))
    if (twin) return { key: twin.key, targets: twin.targets, how: 'same' }
    const own = family.find(({ key }) => key === was)
    const same = own && (own.fingerprint === undefined || own.fingerprint === message.fingerprint)
    // Of messages with one id, which may be made from the header, only the bytes tell.
    if (kind === 'resized' && same) return { key: own.key, targets: own.targets, how: 'same', byHeader: true }
    // Where ids are given out anew from 1, most of them have stood for another message that is still there.
    const moved = kind === 'resized' ? await this.#find({ sha256: message.sha256 }, number) : undefined
    if (moved) return { ...moved, how: 'bytes' }
    const taken = (key: MessageKey): boolean => family.some((one) => one.key === key)
    if (!taken(listed)) return fresh(listed)
    return { key: reusedKey(listed, message.sha256, taken), targets: [], how: kind === 'resized' ? 'reused' : 'new' }
  }

  async #byContent(number: number, { sha256 }: FetchedMessage): Promise<Recognised> {
    const found = await this.#find({ sha256 }, number)
    if (found) return { ...found, how: 'same' }
    for (let occurrence = this.#occurrences.get(sha256) ?? 1; ; occurrence++) {
      const key = contentKey(sha256, occurrence)
      if (!this.#free(key, number) || (await this.#ledger.find(this.#account, { key })).length > 0) continue
      if (occurrence > 1) this.#occurrences.set(sha256, occurrence)
      return fresh(key)
    }
  }

  async #underNewId(number: number, message: FetchedMessage): Promise<Recognised | undefined> {
    const { sha256, fingerprint, size } = message
    const exact = await this.#find({ sha256 }, number)
    const { key: listed } = this.#roster.entry(number)
    if (exact) return { ...exact, how: uidlOf(exact.key) === uidlOf(listed) ? 'same' : 'bytes' }
    // A server that rebuilds MIME structure invents new boundaries each time (QUIRKS RET-23); not much else changes.
    if (!isMultipart(message.header)) return undefined
    const alike = (one: KnownMessage): boolean => Math.abs(one.size - size) <= Math.max(1024, one.size / 10)
    const rebuilt = await this.#find({ fingerprint }, number, alike)
    return rebuilt && { ...rebuilt, how: 'header' }
  }

  /** The first message like this that no listed id stands for. */
  async #find(
    what: { readonly sha256: string } | { readonly fingerprint: string },
    number: number,
    fits: (one: KnownMessage) => boolean = () => true,
  ): Promise<Pick<Recognised, 'key' | 'targets'> | undefined> {
    const [digest] = Object.values(what) as [string]
    const candidates = this.#candidates.get(digest) ?? (await this.#alike(what))
    if (candidates.length > 1) this.#candidates.set(digest, candidates)
    const isFree = (one: KnownMessage): boolean => this.#free(one.key, number)
    for (let last = candidates.at(-1); last && !isFree(last); last = candidates.at(-1)) candidates.pop()
    const found = candidates.findLast((one) => isFree(one) && fits(one))
    if (!found || this.#lanes.every((lane) => found.targets.includes(lane))) return found
    // Lanes may hold different bytes for one message.
    const [known] = await this.#ledger.find(this.#account, { key: found.key })
    return { key: found.key, targets: known?.targets ?? [] }
  }

  /** In reverse order. */
  async #alike(what: { readonly sha256: string } | { readonly fingerprint: string }): Promise<KnownMessage[]> {
    const like = (one: KnownMessage): boolean =>
      'sha256' in what ? one.sha256 === what.sha256 : one.fingerprint === what.fingerprint
    return (await this.#withUnfinished(what, like)).toReversed()
  }

  async #family(uidl: string): Promise<readonly KnownMessage[]> {
    return this.#withUnfinished({ uidl }, ({ key }) => uidlOf(key) === uidl)
  }

  async #withUnfinished(what: Likeness, like: (one: KnownMessage) => boolean): Promise<KnownMessage[]> {
    const delivered = await this.#ledger.find(this.#account, what)
    const keys = new Set(delivered.map(({ key }) => key))
    return [...delivered, ...this.#unfinished.filter((one) => like(one) && !keys.has(one.key))]
  }

  #free(key: MessageKey, number: number): boolean {
    const holder = this.#roster.numberOf(key)
    return holder === undefined || holder === number || !this.#roster.isListed(holder)
  }
}

export interface RecognitionContext {
  readonly account: string
  readonly roster: Roster
  readonly ledger: Ledger
  readonly books: readonly { readonly recorded: Lane }[]
}

function fresh(key: MessageKey): Recognised {
  return { key, targets: [], how: 'new' }
}
