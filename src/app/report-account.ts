import type { Flag } from '../ports/message.js'
import type { AccountRecord, CopiesRecord, LaneRecord, LastRun, ListingRecord } from '../ports/records.js'
import type {
  AccountReport,
  Doubt,
  Listed,
  ReasonReport,
  Sum,
  TargetReport,
  UncopiedMessage,
  Verdict,
} from '../ports/report.js'

/** A target as the plan has it, and the name under which the ledger knows it. */
export interface PlannedLane {
  readonly name: string
  readonly recorded: string
}

/** What is asked of an account: undefined where only the ledger knows it. */
export interface PlannedOnes {
  readonly name: string
  readonly targets: readonly PlannedLane[] | undefined
}

interface Copies extends Sum {
  messages: number
  bytes: number
  first: number | undefined
  latest: number | undefined
  readonly flags: Map<Flag, number>
}

/** Adds one account up, from what its records say message by message. */
export class AccountTally {
  readonly #record: AccountRecord
  readonly #planned: PlannedOnes
  readonly #copies = new Map<string, Copies>()
  readonly #reasons = new Map<string, ReasonReport & { messages: number }>()
  readonly #stored = { messages: 0, bytes: 0 }
  #short = 0
  #unlisted = 0
  /** Of the last listing's, what has reached its last target since. */
  readonly #since = { failed: 0, pending: 0, vanished: 0 }

  constructor(record: AccountRecord, planned: PlannedOnes) {
    this.#record = record
    this.#planned = planned
  }

  copies({ target, at, flags, first, messages, bytes }: CopiesRecord): void {
    const copies = this.#copies.get(target) ?? noCopies()
    this.#copies.set(target, copies)
    copies.messages += messages
    copies.bytes += bytes
    copies.first = Math.min(copies.first ?? at, at)
    copies.latest = Math.max(copies.latest ?? at, at)
    for (const flag of flags) copies.flags.set(flag, (copies.flags.get(flag) ?? 0) + messages)
    if (!first) return
    this.#stored.messages += messages
    this.#stored.bytes += bytes
    if (flags.includes('size-mismatch')) this.#short += messages
  }

  /** A message that the last listing run did not copy, and that no target lacks by now. */
  arrived(state: UncopiedMessage['state']): void {
    if (state !== 'unlisted') this.#since[state]++
  }

  uncopied({ state, reasons }: UncopiedMessage): void {
    if (state === 'unlisted') this.#unlisted++
    for (const { code, target, hint } of reasons) {
      const name = JSON.stringify([code, target ?? null])
      const facts = { code, ...(target !== undefined && { target }), ...(hint !== undefined && { hint }) }
      const reason = this.#reasons.get(name) ?? { ...facts, messages: 0 }
      reason.messages++
      this.#reasons.set(name, reason)
    }
  }

  get report(): AccountReport {
    const { host, user, last, outcome } = this.#record
    const { name, targets } = this.#planned
    const listing = outcome && { ...this.#upToNow(outcome.counts), run: outcome.run, at: outcome.at }
    const doubts = this.#doubts()
    // A version that counted nothing named what failed.
    const lacking = (listing ? listing.failed + listing.pending : this.#reasons.size) + this.#unlisted
    const lost = this.#planLanes().some((lane) => lane.lost > 0)
    return {
      account: name,
      planned: targets !== undefined,
      verdict: verdictOf(lacking > 0 || lost, doubts),
      doubts,
      server: { host, user },
      ...(last && { last }),
      ...(listing && { listing }),
      unlisted: this.#unlisted,
      stored: this.#stored,
      short: this.#short,
      targets: this.#targets(),
      reasons: [...this.#reasons.values()].toSorted((a, b) => b.messages - a.messages),
    }
  }

  #upToNow(counts: Listed): Listed {
    const { failed, pending, vanished } = this.#since
    return {
      listed: counts.listed,
      copied: counts.copied + failed + pending + vanished,
      present: counts.present,
      filtered: counts.filtered,
      failed: counts.failed - failed,
      vanished: counts.vanished - vanished,
      pending: counts.pending - pending,
    }
  }

  #doubts(): readonly Doubt[] {
    const { last, outcome, lanes } = this.#record
    const { targets = [] } = this.#planned
    const known = new Set(lanes.map(({ target }) => target))
    if (!last) return ['never-run']
    return [
      ...(outcome && outcome.run !== last.run ? ['not-listed' as const] : []),
      ...(outcome?.run === last.run && this.#stopped(last, outcome) ? ['stopped' as const] : []),
      ...(outcome ? [] : [this.#counted(last) ? ('not-listed' as const) : ('uncounted' as const)]),
      ...(targets.some(({ recorded }) => !known.has(recorded)) ? ['new-target' as const] : []),
    ]
  }

  /** A version that did not record counts leaves other traces of a listing. */
  #counted({ status }: LastRun): boolean {
    return status !== 'ok' && this.#reasons.size === 0
  }

  /** Failed messages alone do not stop an account. */
  #stopped({ status, code }: LastRun, { counts }: ListingRecord): boolean {
    return status !== 'ok' && (code !== undefined || counts.failed + this.#unlisted === 0)
  }

  #planLanes(): readonly LaneRecord[] {
    const { targets } = this.#planned
    const { lanes } = this.#record
    return targets ? lanes.filter((lane) => targets.some(({ recorded }) => recorded === lane.target)) : lanes
  }

  #targets(): readonly TargetReport[] {
    const { targets = [] } = this.#planned
    const { lanes } = this.#record
    const names = new Map(targets.map(({ name, recorded }) => [recorded, name]))
    const recorded = lanes.map((lane) => this.#target(lane, names.get(lane.target)))
    const missing = targets.filter((one) => !lanes.some(({ target }) => target === one.recorded))
    return [...recorded, ...missing.map(({ name }) => newTarget(name))]
  }

  #target({ target, place, lost, volumes }: LaneRecord, name: string | undefined): TargetReport {
    const { messages, bytes, flags, first, latest } = this.#copies.get(target) ?? noCopies()
    const colon = place.indexOf(':')
    return {
      target: name ?? target,
      planned: name !== undefined,
      kind: place.slice(0, colon),
      place: place.slice(colon + 1),
      messages,
      bytes,
      lost,
      ...(first !== undefined && { first }),
      ...(latest !== undefined && { latest }),
      flags,
      volumes,
    }
  }
}

/** The plan has it, and no run has come to it. */
export function unknownAccount({ name, targets = [] }: PlannedOnes): AccountReport {
  return {
    account: name,
    planned: true,
    verdict: 'unknown',
    doubts: ['never-run'],
    unlisted: 0,
    stored: { messages: 0, bytes: 0 },
    short: 0,
    targets: targets.map((one) => newTarget(one.name)),
    reasons: [],
  }
}

function newTarget(target: string): TargetReport {
  return { target, planned: true, messages: 0, bytes: 0, lost: 0, flags: new Map(), volumes: [] }
}

function noCopies(): Copies {
  return { messages: 0, bytes: 0, first: undefined, latest: undefined, flags: new Map() }
}

function verdictOf(lacking: boolean, doubts: readonly Doubt[]): Verdict {
  if (lacking) return 'missing'
  return doubts.length > 0 ? 'unknown' : 'complete'
}
