import type { Emit } from '../ports/event.js'
import { Fault } from '../ports/fault.js'
import type { Identity as Found, KnownMessage, Ledger } from '../ports/ledger.js'
import { type Flag, type MessageKey, uidlOf } from '../ports/message.js'
import type { SourceRules } from '../ports/source.js'
import { CollectedFindings } from './findings.js'
import type { FetchedMessage } from './intake.js'
import { isAnonymous, isContentKey } from './keys.js'
import type { LaneBook } from './lane-book.js'
import { type Doubt, Recognition } from './recognition.js'
import { countDeleted, returned } from './returned.js'
import { RollCall } from './roll-call.js'
import { Marks, type Roster } from './roster.js'

export interface IdentityContext {
  /** Its name in the ledger. */
  readonly account: string
  readonly server: string
  readonly rules: SourceRules
  readonly roster: Roster
  readonly books: readonly LaneBook[]
  readonly ledger: Ledger
  readonly emit: Emit
  /** Nothing is recorded. */
  readonly dryRun: boolean
}

/**
 * Which message a listed id stands for (ARCHITECTURE, Identity). An id is taken at its word, except where a
 * listing gives reason to doubt it; then the message is fetched and its bytes decide.
 */
export class Identity {
  readonly #context: IdentityContext
  readonly #doubts = new Map<number, Doubt>()
  /** Doubted once and decided since. */
  readonly #decided = new Marks()
  #recognition: Recognition | undefined
  #expectsKnown = false
  readonly #findings = new CollectedFindings()
  #hope: ReadonlySet<Doubt['kind']> = new Set()
  /** Messages recognised in this run. */
  #recognised = 0

  constructor(context: IdentityContext) {
    this.#context = context
  }

  get recognised(): number {
    return this.#recognised
  }

  /** Most likely the listing shows messages of earlier runs, though they have to be fetched before that is certain. */
  get expectsKnown(): boolean {
    return this.#expectsKnown
  }

  /** Whether a message that a dead run announced, and that is not listed, may yet turn up under another id. */
  mayTurnUp(key: MessageKey): boolean {
    const hope = this.#hope
    return hope.has('reset') || hope.has('shared') || (hope.has('anonymous') && isContentKey(key))
  }

  doubts(number: number): boolean {
    return this.#doubts.has(number)
  }

  /**
   * After a complete listing with messages that were not listed before in this run: pairs it with the ledger. `first` in
   * this run; `windowed`: it shows a part of the maildrop.
   */
  async takeStock(numbers: readonly number[], listing: { first: boolean; windowed: boolean }): Promise<void> {
    const { roster, books, ledger, rules } = this.#context
    for (const number of numbers) {
      const { key } = roster.entry(number)
      if (isAnonymous(key) && !this.#decided.has(number)) this.#doubt(number, 'anonymous')
    }
    await this.#takeUp()
    const resized = new Set<number>()
    let withoutId = 0
    for (const book of books) {
      await book.pair(ledger, ({ key, listed }, number) => {
        if (isContentKey(key)) withoutId++
        if (number === undefined || listed === 0 || rules.sizes === 'ignore') return
        const { size } = roster.entry(number)
        if (size !== 0 && size !== listed) resized.add(number)
      })
    }
    for (const number of await returned(this.#context.account, this.#context)) resized.add(number)
    const byContent = withoutId > 0
    await this.#compare(numbers, { ...listing, resized, byContent })
    this.#recognition = new Recognition(this.#context, this.#doubts.size > 0 ? await this.#unfinished() : [])
    this.#hope = new Set([...this.#doubts.values()].map(({ kind }) => kind))
    this.#expectsKnown = this.#hope.has('reset') || (byContent && this.#hope.has('anonymous'))
  }

  /** The very bytes of a doubted message are in every lane or its quarantine, or a lane that died has begun them. */
  async isSettled(number: number, message: FetchedMessage): Promise<boolean> {
    const { books } = this.#context
    const doubt = this.#doubts.get(number)
    const found = doubt && (await this.#recognition?.recognise(number, message, doubt))
    if (!found || (found.how !== 'same' && found.how !== 'bytes')) return false
    const own = message.as(found.key)
    const everywhere = books.every((book) => found.targets.includes(book.recorded.target) || book.keeps(found.key))
    return everywhere || books.some(({ run }) => run?.announced(own))
  }

  /** Finds out which message was fetched for a doubted id: the message under its own key, and what to tell about it. */
  async recognise(
    number: number,
    message: FetchedMessage,
  ): Promise<{ readonly message: FetchedMessage; readonly flags: readonly Flag[] }> {
    const { roster, books, emit } = this.#context
    const doubt = this.#doubts.get(number)
    if (!doubt || !this.#recognition) return { message, flags: [] }
    const { key, targets, how, byHeader = how === 'header' } = await this.#recognition.recognise(number, message, doubt)
    this.#doubts.delete(number)
    this.#decided.set(number)
    this.#recognised++
    roster.identify(number, key)
    for (const book of books) book.recognise(number, targets)
    if (how === 'bytes' || how === 'header') roster.setReidentified(number)
    if (how === 'reused') {
      const words = `the server uses the id ${uidlOf(roster.entry(number).key)} for another message now; both are kept`
      emit({ type: 'warning', account: books[0]?.lane.account ?? '', code: 'uidl-reused', message: words })
    }
    this.#note(number, { key, known: targets.length > 0, byHeader })
    const lacking = books.some((book) => !book.has(number))
    // Before it is announced under a key that the listing does not show.
    if ((lacking && key !== roster.entry(number).key) || this.#findings.count >= findingsAtOnce) await this.flush()
    return { message: message.as(key), flags: how === 'header' ? ['reidentified-by-header'] : [] }
  }

  /** Makes the findings durable; without them the messages would only be fetched again. */
  async flush(): Promise<void> {
    const { ledger, account } = this.#context
    if (this.#findings.count > 0) await ledger.identify(account, this.#findings.take())
  }

  /** The session has fetched what it could: nothing more turns up. */
  async finish(): Promise<void> {
    this.#hope = new Set()
    await this.flush()
  }

  /** What earlier runs found out about ids that are listed now. */
  async #takeUp(): Promise<void> {
    const { roster, ledger, account, books } = this.#context
    const aliases: { readonly number: number; readonly original: MessageKey }[] = []
    for await (const identities of ledger.identities(account)) {
      for (const { key, original, doubt } of identities) {
        const number = roster.numberListedAs(key)
        if (number === undefined || !roster.isListed(number) || this.#decided.has(number)) continue
        if (doubt) this.#doubt(number, doubt, original)
        else if (original !== undefined && roster.keyOf(number) !== original) aliases.push({ number, original })
      }
    }
    // All of them first: ids may have changed places.
    for (const { number } of aliases) roster.doubt(number)
    for (const { number, original } of aliases) {
      const holder = roster.numberOf(original)
      if (holder === undefined || !roster.isListed(holder)) {
        roster.identify(number, original)
        continue
      }
      // The old id is back beside its alias: they are two messages, and this one was never copied.
      const { key } = roster.entry(number)
      for (const book of books) book.doubt(number)
      if (roster.numberOf(key) === undefined) roster.identify(number, key)
      else this.#doubt(number, 'shared', original)
      this.#findings.add({ dissolved: [key] })
    }
  }

  /** Holds the listing against the last one and against the receipts. */
  async #compare(numbers: readonly number[], { first, windowed, resized, byContent }: Comparison): Promise<void> {
    const { roster, ledger, account, rules, dryRun } = this.#context
    const keys = numbers.map((number) => roster.entry(number).key)
    const packed = await ledger.listing(account)
    const before = packed && RollCall.unpack(packed)
    const doubted: Found[] = []
    const record = (number: number, doubt: 'reset' | 'shared'): void => {
      const original = roster.keyOf(number)
      const { key } = roster.entry(number)
      this.#doubt(number, doubt)
      doubted.push({ key, doubt, ...(original !== undefined && original !== key && { original }) })
    }
    // Where ids appear that were missing so far (`identity` was `content`), all of them are new.
    const last = before ?? (byContent ? RollCall.of([]) : undefined)
    // A later listing may show the next part of the maildrop.
    if (last && first && !windowed) for (const number of await this.#reset(numbers, last)) record(number, 'reset')
    for (const number of this.#confused(numbers, resized, before)) record(number, 'shared')
    for (const number of resized) if (!this.#doubts.has(number)) this.#doubt(number, 'resized')
    if (dryRun) return
    const listing = rules.identity === 'content' || windowed ? undefined : RollCall.of(keys)
    // An empty maildrop may be a hiccup, and says nothing in any case (QUIRKS LST-13).
    const changed = listing !== undefined && listing.size > 0 && !(before && listing.equals(before))
    // Durable before the first RETR: a run that is killed now must not take the new ids for new messages.
    this.#findings.add({ identities: doubted })
    if (changed) await ledger.identify(account, { ...this.#findings.take(), listing: listing.pack() })
    else await this.flush()
  }

  /** The unknown ids of a maildrop of which fewer than one in ten known ids came back (QUIRKS LST-04). */
  async #reset(numbers: readonly number[], before: RollCall): Promise<readonly number[]> {
    const { roster, books, rules, server, account, ledger, emit } = this.#context
    const back = numbers.filter((number) => before.has(roster.entry(number).key)).length
    if (before.size > 0 && back * 10 >= before.size) return []
    const left = before.size - (await countDeleted(account, { ledger, listing: before }))
    if (before.size > 0 && back * 10 >= left) return []
    const unfinished = new Set((await this.#unfinished()).map(({ key }) => key))
    const unknown = numbers.filter((number) => {
      const key = roster.keyOf(number)
      return key !== undefined && !books.some((book) => book.has(number)) && !unfinished.has(key)
    })
    if (unknown.length === 0 || before.size === 0) return unknown
    const words = `the server lists ${back} of the ${before.size} ids of last time, and ${unknown.length} new ones`
    if (rules.onUidlReset === 'stop' && before.size >= fewestToStop) {
      throw new Fault('uidl-reset', words, { server, phase: 'UIDL' })
    }
    const message = `${words}: each of these is fetched once more, and stored only if its message is not known yet`
    emit({ type: 'warning', account: books[0]?.lane.account ?? '', code: 'uidl-reset', message })
    return unknown
  }

  /** Messages that share an id, where another one of them may have taken a place in the listing (QUIRKS LST-03). */
  #confused(numbers: readonly number[], resized: ReadonlySet<number>, before: RollCall | undefined): readonly number[] {
    const { roster, books } = this.#context
    const groups = new Map<string, number[]>()
    for (const number of numbers) {
      const { key } = roster.entry(number)
      if (key.includes('\n') && !isAnonymous(key)) groups.set(uidlOf(key), [])
    }
    if (groups.size === 0) return []
    const suspect = new Set<string>()
    for (const number of numbers) {
      const { key } = roster.entry(number)
      const group = groups.get(uidlOf(key))
      if (!group) continue
      group.push(number)
      const returned = before?.has(key) === false && books.some((book) => book.has(number))
      if (returned || resized.has(number)) suspect.add(uidlOf(key))
    }
    return [...suspect].flatMap((uidl) => groups.get(uidl) ?? [])
  }

  /** What dead runs announced, and what waits in quarantine: without a receipt, and yet it is not new. */
  async #unfinished(): Promise<readonly KnownMessage[]> {
    const { books, ledger, account, dryRun } = this.#context
    if (dryRun) return []
    const announced = await Promise.all(books.map(async ({ recorded }) => (await ledger.load(recorded)).announced))
    return [...announced.flat(), ...(await ledger.kept(account))].map(({ key, sha256, size, ...more }) => {
      return { key, sha256, size, fingerprint: 'fingerprint' in more ? more.fingerprint : undefined, targets: [] }
    })
  }

  #doubt(number: number, kind: Doubt['kind'], original?: MessageKey): void {
    const { roster, books } = this.#context
    const was = original ?? roster.keyOf(number) ?? this.#doubts.get(number)?.was ?? roster.entry(number).key
    roster.doubt(number)
    for (const book of books) book.doubt(number)
    this.#doubts.set(number, { kind, was })
  }

  #note(
    number: number,
    found: { readonly key: MessageKey; readonly known: boolean; readonly byHeader: boolean },
  ): void {
    const { key, size } = this.#context.roster.entry(number)
    if (!isAnonymous(key)) {
      this.#findings.add(found.key === key ? { dissolved: [key] } : { identities: [{ key, original: found.key }] })
    }
    if (found.known && size !== 0) this.#findings.add({ sizes: [{ key: found.key, listed: size }] })
    if (found.byHeader) this.#findings.add({ byHeader: [found.key] })
  }
}

interface Comparison {
  readonly first: boolean
  readonly windowed: boolean
  /** Known under their ids, with another size. */
  readonly resized: ReadonlySet<number>
  /** Some receipts are of messages without id. */
  readonly byContent: boolean
}

const findingsAtOnce = 500
/** `onUidlReset: stop` does not make a fuss of a handful of messages. */
const fewestToStop = 10
