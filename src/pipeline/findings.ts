import type { Delivered, Findings, Identity } from '../ports/ledger.js'
import type { MessageKey } from '../ports/message.js'

/** Findings about ids that are not durable yet: many of them become so at once. */
export class CollectedFindings {
  #found = nothing()
  #count = 0

  get count(): number {
    return this.#count
  }

  add({ identities = [], dissolved = [], sizes = [], byHeader = [] }: Findings): void {
    const found = this.#found
    for (const one of identities) found.identities.push(one)
    found.dissolved.push(...dissolved)
    found.sizes.push(...sizes)
    found.byHeader.push(...byHeader)
    this.#count += identities.length + dissolved.length + sizes.length + byHeader.length
  }

  /** Hands them over to be recorded. */
  take(): Findings {
    const found = this.#found
    this.#found = nothing()
    this.#count = 0
    return found
  }
}

interface Collected {
  readonly identities: Identity[]
  readonly dissolved: MessageKey[]
  readonly sizes: Delivered[]
  readonly byHeader: MessageKey[]
}

function nothing(): Collected {
  return { identities: [], dissolved: [], sizes: [], byHeader: [] }
}
