import { createHash } from 'node:crypto'
import type { Fault } from '../../src/ports/fault.js'
import type {
  AccountMemory,
  AccountSummary,
  Amendment,
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
import type { Kept, KeptFor, QuarantineFolder } from '../../src/ports/quarantine.js'
import type {
  Announced,
  Lane,
  Position,
  Progress,
  ReadBack,
  Receipt,
  Target,
  Volume,
  Writer,
} from '../../src/ports/target.js'
import { MemoryDeletionBook } from './memory-deletions.js'
import { collect } from './collect.js'

interface MemoryLane {
  readonly target: string
  readonly receipts: Map<MessageKey, Receipt>
  readonly lost: Map<MessageKey, Receipt>
  position?: Position
  announced: readonly Announced[]
}

/** A ledger that forgets everything at the end of the process; logs its steps. It takes all accounts for one. */
export class MemoryLedger implements Ledger {
  readonly log: string[] = []
  readonly summaries: AccountSummary[] = []
  readonly volumes = new Map<string, Volume>()
  readonly deletions = new MemoryDeletionBook((lane) => this.#lane(lane).receipts)
  readonly #lanes = new Map<string, MemoryLane>()
  readonly #memories = new Map<string, AccountMemory>()
  /** In the order of findings. */
  readonly #identities = new Map<MessageKey, Identity>()
  #listing: Uint8Array | undefined
  /** Set to make the next advance fail. */
  fail: Fault | undefined

  #lane({ account, target }: Lane): MemoryLane {
    const name = `${account}/${target}`
    const lane = this.#lanes.get(name) ?? {
      target,
      receipts: new Map(),
      lost: new Map(),
      kept: new Map(),
      announced: [],
    }
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
    const { receipts, position, announced, begunAt } = this.#lane(lane)
    return { origin: lane.account, position, announced, begunAt, receipts: receipts.size }
  }

  async *delivered(lane: Lane): AsyncIterable<readonly Delivered[]> {
    yield [...this.#lane(lane).receipts.values()].map(({ key, listed = 0 }) => ({ key, listed }))
  }

  async *receipts(lane: Lane): AsyncIterable<Receipt> {
    yield* this.#lane(lane).receipts.values()
  }

  async *lost(lane: Lane): AsyncIterable<Receipt> {
    yield* this.#lane(lane).lost.values()
  }

  async amend(lane: Lane, { lost = [], found = [], position }: Amendment): Promise<void> {
    if (this.fail) throw this.fail
    const state = this.#lane(lane)
    for (const key of lost) {
      const receipt = state.receipts.get(key)
      if (receipt) state.lost.set(key, receipt)
      state.receipts.delete(key)
    }
    for (const receipt of found) {
      state.receipts.delete(receipt.key)
      state.lost.delete(receipt.key)
      state.receipts.set(receipt.key, receipt)
    }
    if (position !== undefined) state.position = position
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
        const byBytes = 'sha256' in what || 'fingerprint' in what
        if (byBytes && this.deletions.messages.get(receipt.key)?.state === 'gone') continue
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
        state.lost.delete(receipt.key)
      }
      for (const kept of step.committed.kept ?? []) state.kept.set(kept.key, kept)
      for (const key of state.receipts.keys()) state.kept.delete(key)
      Object.assign(state, { position: step.committed.position, announced: [], begunAt: undefined })
      this.log.push(`commit ${step.committed.receipts.map(({ key }) => key).join(' ')}`.trim())
    }
    if (step.volume) this.volumes.set(step.volume.path, step.volume)
    for (const { key, where } of step.moved ?? []) {
      const receipt = state.receipts.get(key)
      if (receipt) state.receipts.set(key, { ...receipt, where })
    }
    if (step.begun) {
      const { position, announced, at } = step.begun
      Object.assign(state, { position, announced, begunAt: at })
      this.log.push(`begin ${step.begun.announced.map(({ key }) => key).join(' ')}`)
    }
  }

  async kept(account: string): Promise<readonly KeptFor[]> {
    return [...this.#lanes].flatMap(([name, { kept }]) => {
      const target = name.slice(account.length + 1)
      return name === `${account}/${target}`
        ? [...kept.values()].map((one) => ({ ...one, target, origin: account }))
        : []
    })
  }

  async recall(account: string): Promise<AccountMemory> {
    return this.#memories.get(account) ?? { windowed: false, unsettled: false }
  }

  async remember(account: string, learnt: Partial<AccountMemory>): Promise<void> {
    this.#memories.set(account, { ...(await this.recall(account)), ...learnt })
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

  get records(): never {
    throw new Error('a ledger that forgets has nothing to report')
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

interface MemoryLane {
  readonly receipts: Map<MessageKey, Receipt>
  readonly lost: Map<MessageKey, Receipt>
  readonly kept: Map<MessageKey, Kept>
  position?: Position
  announced: readonly Announced[]
  begunAt?: number
}

/** A quarantine in memory, which can be full. */
export class MemoryQuarantine implements QuarantineFolder {
  readonly files = new Map<string, Buffer>()
  readonly log: string[] = []
  /** Set to make every put fail. */
  fail: Fault | undefined

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.fail) throw this.fail
    this.log.push('put')
    this.files.set(name, Buffer.concat(await collect(chunks)))
  }

  async *open(name: string): AsyncIterable<Uint8Array> {
    const bytes = this.files.get(name)
    if (!bytes) throw new Error(`there is no ${name}`)
    yield* [bytes.subarray(0, 7), bytes.subarray(7)]
  }

  async remove(name: string): Promise<void> {
    this.log.push('remove')
    this.files.delete(name)
  }

  async setAside(kept: ReadonlySet<string>): Promise<number> {
    const names = [...this.files.keys()].filter((name) => !kept.has(name))
    for (const name of names) {
      this.files.set(`unclaimed-${name}`, this.files.get(name) ?? Buffer.alloc(0))
      this.files.delete(name)
    }
    return names.length
  }

  async sweep(kept: ReadonlySet<string>): Promise<void> {
    for (const name of this.files.keys()) if (!kept.has(name)) this.files.delete(name)
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
  beforeOpen: (gotOn: () => void) => Promise<void> = async () => undefined
  beforeAppend: (() => Promise<void> | undefined) | undefined

  async open(_: Lane, progress: Progress, __?: AbortSignal, gotOn = (): void => undefined): Promise<Writer> {
    await this.beforeOpen(gotOn)
    this.log.push(`open ${progress.position ?? 'fresh'}`)
    return {
      position: '' as Position,
      admit: async () => undefined,
      append: async (message: Message) => {
        const fault = this.refuse(message.key)
        if (fault) throw fault
        await this.beforeAppend?.()
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

  /** Copies that are not found as they were stored, or not at their place yet. */
  readonly states = new Map<string, ReadBack['state']>()

  async *read(_: Lane, _progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    for await (const { key } of receipts) {
      this.log.push(`read ${key}`)
      yield { key, state: this.states.get(key) ?? (this.stored.includes(key) ? 'intact' : 'missing') }
    }
  }

  async *others(): AsyncIterable<never> {
    yield* []
  }
}

/** The facts of a message whose bytes do not matter. */
export function memoryFacts(key: string, size = 100): Omit<Message, 'open'> {
  const bytes = Buffer.alloc(size, key)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { key: key as MessageKey, size, sha256, header: new Uint8Array(), bytes }
}
