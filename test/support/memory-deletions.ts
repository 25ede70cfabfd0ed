import type { Copied, DeletionBook, ListedMessage, Proof, Requested } from '../../src/ports/deletion-book.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Lane, Receipt } from '../../src/ports/target.js'

type Receipts = (lane: Lane) => ReadonlyMap<MessageKey, Receipt>

/** The deletions of a ledger in memory, whose receipts have no time. */
export class MemoryDeletionBook implements DeletionBook {
  readonly log: string[] = []
  readonly proven = new Map<string, Set<MessageKey>>()
  readonly messages = new Map<MessageKey, Requested>()
  readonly #receipts: Receipts

  constructor(receipts: Receipts) {
    this.#receipts = receipts
  }

  async *unproven(lane: Lane): AsyncIterable<Receipt> {
    for (const receipt of [...this.#receipts(lane).values()]) if (!this.#of(lane).has(receipt.key)) yield receipt
  }

  async prove(lane: Lane, { proven }: Proof): Promise<void> {
    this.log.push(`prove ${lane.target} ${proven.join(' ')}`)
    for (const key of proven) this.#of(lane).add(key)
  }

  async doubt(lane: Lane, keys: readonly MessageKey[]): Promise<void> {
    for (const key of keys) this.#of(lane).delete(key)
  }

  async deletable(lanes: readonly Lane[], _: Copied, keys: readonly MessageKey[]): Promise<readonly MessageKey[]> {
    const safe = (lane: Lane, key: MessageKey): boolean => {
      const flags = this.#receipts(lane).get(key)?.flags ?? ['size-mismatch']
      if (this.#receipts(lane).has(`${key}\n2` as MessageKey)) return false
      return this.#of(lane).has(key) && !flags.includes('size-mismatch') && !flags.includes('reidentified-by-header')
    }
    return keys.filter((key) => lanes.every((lane) => safe(lane, key)))
  }

  async request(_: string, messages: readonly ListedMessage[]): Promise<void> {
    this.log.push(`request ${messages.map(({ listed }) => listed).join(' ')}`)
    for (const message of messages) this.messages.set(message.key, { ...message, state: 'open' })
  }

  async settle(_: string, keys: readonly MessageKey[], state: 'gone' | 'kept'): Promise<void> {
    this.log.push(`${state} ${keys.join(' ')}`)
    for (const key of keys) {
      const message = this.messages.get(key)
      if (message) this.messages.set(key, { ...message, state })
    }
  }

  async *requested(): AsyncIterable<readonly Requested[]> {
    yield [...this.messages.values()]
  }

  #of({ account, target }: Lane): Set<MessageKey> {
    const name = `${account}/${target}`
    const keys = this.proven.get(name) ?? new Set()
    this.proven.set(name, keys)
    return keys
  }
}
