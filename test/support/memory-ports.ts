import { createHash } from 'node:crypto'
import type { Fault } from '../../src/ports/fault.js'
import type {
  AccountSummary,
  Delivered,
  Enrolment,
  Findings,
  Identity,
  KnownAccount,
  KnownMessage,
  LaneStep,
  Ledger,
  Likeness,
} from '../../src/ports/ledger.js'
import type { Message, MessageKey } from '../../src/ports/message.js'
import type { Announced, Lane, Position, Progress, Receipt, Target, Writer } from '../../src/ports/target.js'

interface MemoryLane {
  readonly target: string
  readonly receipts: Map<MessageKey, Receipt>
  position?: Position
  announced: readonly Announced[]
}

/** A ledger that forgets everything at the end of the process; logs its steps. It takes all accounts for one. */
export class MemoryLedger implements Ledger {
  readonly log: string[] = []
  readonly summaries: AccountSummary[] = []
  readonly #lanes = new Map<string, MemoryLane>()
  /** In the order of findings. */
  readonly #identities = new Map<MessageKey, Identity>()
  #listing: Uint8Array | undefined
  /** Set to make the next advance fail. */
  fail: Fault | undefined

  #lane({ account, target }: Lane): MemoryLane {
    const name = `${account}/${target}`
    const lane = this.#lanes.get(name) ?? { target, receipts: new Map<MessageKey, Receipt>(), announced: [] }
    this.#lanes.set(name, lane)
    return lane
  }

  async known(): Promise<readonly KnownAccount[]> {
    return []
  }

  async enrol(enrolments: readonly Enrolment[]): Promise<void> {
    this.log.push(`enrol ${enrolments.length}`)
  }

  async load(lane: Lane): Promise<Progress> {
    const { receipts, position, announced } = this.#lane(lane)
    return { origin: lane.account, position, announced, receipts: receipts.size }
  }

  async *delivered(lane: Lane): AsyncIterable<readonly Delivered[]> {
    yield [...this.#lane(lane).receipts.values()].map(({ key, listed = 0 }) => ({ key, listed }))
  }

  async *receipts(lane: Lane): AsyncIterable<Receipt> {
    yield* this.#lane(lane).receipts.values()
  }

  async listing(): Promise<Uint8Array | undefined> {
    return this.#listing
  }

  async *identities(): AsyncIterable<readonly Identity[]> {
    yield [...this.#identities.values()]
  }

  async find(_: string, what: Likeness): Promise<readonly KnownMessage[]> {
    const found = new Map<MessageKey, KnownMessage & { targets: string[] }>()
    for (const { target, receipts } of this.#lanes.values()) {
      for (const receipt of receipts.values()) {
        if (!this.#matches(receipt, what)) continue
        const { key, sha256, size, fingerprint } = receipt
        const known = found.get(key) ?? { key, sha256, size, fingerprint, targets: [] }
        known.targets.push(target)
        found.set(key, known)
      }
    }
    return [...found.values()]
  }

  async identify(_: string, findings: Findings): Promise<void> {
    if (this.fail) throw this.fail
    this.#listing = findings.listing ?? this.#listing
    for (const key of findings.dissolved ?? []) this.#identities.delete(key)
    for (const identity of findings.identities ?? []) {
      this.#identities.delete(identity.key)
      this.#identities.set(identity.key, identity)
    }
    for (const { receipts } of this.#lanes.values()) {
      for (const { key, listed } of findings.sizes ?? []) {
        const receipt = receipts.get(key)
        if (receipt) receipts.set(key, { ...receipt, listed })
      }
      for (const key of findings.byHeader ?? []) {
        const receipt = receipts.get(key)
        if (receipt) receipts.set(key, { ...receipt, flags: [...receipt.flags, 'reidentified-by-header'] })
      }
    }
  }

  async advance(lane: Lane, step: LaneStep): Promise<void> {
    if (this.fail) throw this.fail
    const state = this.#lane(lane)
    if (step.committed) {
      for (const receipt of step.committed.receipts) {
        if (state.receipts.has(receipt.key)) throw new Error(`a second receipt for ${receipt.key}`)
        state.receipts.set(receipt.key, receipt)
      }
      Object.assign(state, { position: step.committed.position, announced: [] })
      this.log.push(`commit ${step.committed.receipts.map(({ key }) => key).join(' ')}`.trim())
    }
    if (step.begun) {
      Object.assign(state, { position: step.begun.position, announced: step.begun.announced })
      this.log.push(`begin ${step.begun.announced.map(({ key }) => key).join(' ')}`)
    }
  }

  async startRun(): Promise<void> {
    this.log.push('start')
  }

  async finishAccount(_: string, summary: AccountSummary): Promise<void> {
    this.summaries.push(summary)
  }

  async finishRun(): Promise<void> {
    this.log.push('finish')
  }

  async status(): Promise<readonly never[]> {
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.push('close')
  }

  #matches(receipt: Receipt, what: Likeness): boolean {
    if ('sha256' in what) return receipt.sha256 === what.sha256
    if ('fingerprint' in what) return receipt.fingerprint === what.fingerprint
    if ('key' in what) return receipt.key === what.key
    const ofUidl = (key: MessageKey): boolean => key === what.uidl || key.startsWith(`${what.uidl}\n`)
    const meant = [...this.#identities.values()].some(({ key, original }) => original === receipt.key && ofUidl(key))
    return meant || ofUidl(receipt.key)
  }
}

/** A target in memory whose appends can be refused, and whose commits can be held back. */
export class MemoryTarget implements Target {
  readonly place = 'memory:'
  readonly shareable = true
  readonly stored: string[] = []
  /** Of the bytes stored, in the same order. */
  readonly digests: string[] = []
  readonly log: string[] = []
  refuse: (key: MessageKey) => Fault | undefined = () => undefined
  beforeCommit: () => Promise<void> = async () => undefined

  async open(_: Lane, progress: Progress): Promise<Writer> {
    this.log.push(`open ${progress.position ?? 'fresh'}`)
    return {
      position: '' as Position,
      admit: () => undefined,
      append: async (message: Message) => {
        const fault = this.refuse(message.key)
        if (fault) throw fault
        const { key, sha256, size } = message
        this.stored.push(key)
        this.digests.push(sha256)
        return { key, sha256, size, where: key, flags: [] }
      },
      commit: async () => {
        await this.beforeCommit()
        return String(this.stored.length) as Position
      },
      [Symbol.asyncDispose]: async () => {
        this.log.push('close')
      },
    }
  }

  async *read(): AsyncIterable<never> {
    yield* []
  }
}

/** The facts of a message whose bytes do not matter. */
export function memoryFacts(key: string, size = 100): Omit<Message, 'open'> {
  const bytes = Buffer.alloc(size, key)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { key: key as MessageKey, size, sha256, header: new Uint8Array(), bytes }
}
