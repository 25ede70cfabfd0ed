import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { type AccountResult, runAccount } from '../../src/pipeline/account.js'
import { Budget } from '../../src/pipeline/budget.js'
import { MessageIntake } from '../../src/pipeline/intake.js'
import type { Event } from '../../src/ports/event.js'
import { Secret } from '../../src/ports/secret.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { pop3 } from '../../src/sources/pop3.js'
import { InstantClock } from '../support/clock.js'
import { type FakeOptions, FakePop3Server } from '../support/fake-pop3-server.js'
import { MemoryLedger, MemoryTarget } from '../support/memory-ports.js'

/** A short message with its word in header and body. */
export const mail = (word: string, more = ''): string => `Subject: ${word}\r\n\r\n${word}${more}\r\n`

/** A maildrop: pairs of an id and a message. */
export function drop(...pairs: readonly (readonly [id: string, body: string])[]): SampleMessage[] {
  return pairs.map(([id, body]) => memoryMessage(id, Buffer.from(body, 'latin1')))
}

/** One account with one target or two in memory, against a real socket, run after run. */
export class IdentityScene implements AsyncDisposable {
  readonly server: FakePop3Server
  readonly ledger = new MemoryLedger()
  readonly one = new MemoryTarget()
  readonly two = new MemoryTarget()
  readonly events: Event[] = []
  readonly #clock = new InstantClock()

  static async start(messages: Iterable<SampleMessage>, options: FakeOptions = {}): Promise<IdentityScene> {
    return new IdentityScene(await FakePop3Server.start({ messages, ...options }))
  }

  private constructor(server: FakePop3Server) {
    this.server = server
  }

  /** One run. `targets`: one, or both. */
  async run(
    options: {
      readonly source?: object
      readonly limit?: number
      readonly targets?: 1 | 2
      readonly attempts?: number
    } = {},
  ): Promise<AccountResult> {
    const { source: settings = {}, limit, targets = 1, attempts = 3 } = options
    const { host, port, user, password } = this.server
    const emit = (event: Event): void => void this.events.push(event)
    const source = pop3.create(pop3.settings.parse({ host, port, user, tls: 'none', ...settings }), {
      account: 'alice',
      clock: this.#clock,
      emit,
      timeouts: { connect: 5000, reply: 5000, stall: 5000, settle: 0 },
      secrets: new Map([['password', async () => new Secret(password)]]),
      transcript: false,
    })
    const all = [
      { name: 'one', target: this.one },
      { name: 'two', target: this.two },
    ]
    const spool = { create: () => expect.unreachable('nothing here is large') }
    return runAccount(
      { name: 'alice', source, targets: all.slice(0, targets) },
      {
        run: 'r',
        ledger: this.ledger,
        clock: this.#clock,
        emit,
        intake: new MessageIntake(spool, undefined),
        budget: new Budget(1_000_000),
        batch: { due: { messages: 500, bytes: 1_000_000, ageMs: 1000 }, most: { messages: 500, bytes: 1_000_000 } },
        retry: { attempts, minDelay: 1000, maxDelay: 60_000, maxWait: 900_000 },
        dryRun: false,
        limit,
        signal: new AbortController().signal,
      },
    )
  }

  /** The ids that the last session asked for. */
  get asked(): readonly string[] {
    return this.server.sessions.at(-1)?.retrieved ?? []
  }

  /** Exactly these messages are at the target, each as often as here. */
  requireStored(bodies: readonly string[], target: MemoryTarget = this.one): void {
    const digests = bodies.map((body) => createHash('sha256').update(body, 'latin1').digest('hex'))
    expect(target.digests.toSorted()).toEqual(digests.toSorted())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}
