import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { AccountResult } from '../../src/pipeline/account-job.js'
import { runAccount } from '../../src/pipeline/account.js'
import { Budget } from '../../src/pipeline/budget.js'
import { MessageIntake } from '../../src/pipeline/intake.js'
import type { Selector } from '../../src/pipeline/selection.js'
import type { Event } from '../../src/ports/event.js'
import type { MessageKey } from '../../src/ports/message.js'
import { Secret } from '../../src/ports/secret.js'
import type { Spool } from '../../src/ports/spool.js'
import type { Announced, Position } from '../../src/ports/target.js'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { pop3 } from '../../src/sources/pop3.js'
import { InstantClock } from '../support/clock.js'
import { type FakeOptions, FakePop3Server } from '../support/fake-pop3-server.js'
import { MemoryLedger, MemoryQuarantine, MemoryTarget } from '../support/memory-ports.js'

export const body = (text: string): string => `Subject: ${text}\r\n\r\n${text}\r\n`
const five = ['one', 'two', 'three', 'four', 'five'].map((word) => body(word))
export const ids = ['u1', 'u2', 'u3', 'u4', 'u5']

/** A maildrop: pairs of an id and a message. */
export function drop(...pairs: readonly (readonly [id: string, message: string])[]): SampleMessage[] {
  return pairs.map(([id, message]) => memoryMessage(id, Buffer.from(message, 'latin1')))
}

interface RunOptions {
  /** Settings of the source in this run. */
  readonly source?: object
  /** Both by default. */
  readonly targets?: 1 | 2
  readonly dryRun?: boolean
  readonly limit?: number
  readonly attempts?: number
  readonly select?: Selector
  readonly deleteAfter?: number
  readonly adopt?: boolean
  readonly signal?: AbortSignal
}

interface SceneOptions extends FakeOptions {
  readonly source?: object
  /** For messages, in octets. */
  readonly memory?: number
}

/** One account with two targets in memory, against a real socket. */
export class Scene implements AsyncDisposable {
  readonly server: FakePop3Server
  readonly ledger = new MemoryLedger()
  readonly one = new MemoryTarget()
  readonly two = new MemoryTarget()
  readonly quarantine = new MemoryQuarantine()
  readonly budget: Budget
  readonly events: Event[] = []
  spool: Spool = { create: () => expect.unreachable('nothing here is large') }
  readonly clock = new InstantClock()
  readonly #settings: object
  /** Sessions before the last run. */
  #before = 0

  static async start({ source = {}, memory = 1_000_000, ...options }: SceneOptions = {}): Promise<Scene> {
    return new Scene(await FakePop3Server.start({ messages: five, ...options }), source, memory)
  }

  private constructor(server: FakePop3Server, settings: object, memory: number) {
    this.budget = new Budget(memory)
    this.server = server
    this.#settings = settings
  }

  async run(more: RunOptions = {}): Promise<AccountResult> {
    const { host, port, user, password, sessions } = this.server
    this.#before = sessions.length
    const emit = (event: Event): void => void this.events.push(event)
    const source = pop3.create(
      pop3.settings.parse({ host, port, user, tls: 'none', ...this.#settings, ...more.source }),
      {
        account: 'alice',
        clock: this.clock,
        emit,
        timeouts: { connect: 5000, reply: 5000, stall: 5000, settle: 0 },
        secrets: new Map([['password', async () => new Secret(password)]]),
        transcript: false,
      },
    )
    const targets = [
      { name: 'one', target: this.one },
      { name: 'two', target: this.two },
    ]
    return runAccount(
      {
        name: 'alice',
        source,
        targets: targets.slice(0, more.targets),
        ...(more.select && { select: more.select }),
        ...(more.deleteAfter !== undefined && { deleteAfter: more.deleteAfter }),
      },
      {
        run: 'r',
        ledger: this.ledger,
        clock: this.clock,
        emit,
        intake: new MessageIntake(this.spool, undefined),
        quarantine: this.quarantine,
        budget: this.budget,
        batch: {
          due: { messages: 500, first: 500, bytes: 1_000_000, ageMs: 1000 },
          most: { messages: 500, bytes: 1_000_000 },
        },
        retry: { attempts: more.attempts ?? 3, minDelay: 1000, maxDelay: 60_000, maxWait: 900_000 },
        dryRun: more.dryRun ?? false,
        limit: more.limit,
        adopt: more.adopt,
        signal: more.signal ?? new AbortController().signal,
      },
    )
  }

  /** The ids that the last run asked for. */
  get asked(): readonly string[] {
    return this.server.sessions.slice(this.#before).flatMap(({ retrieved }) => retrieved)
  }

  /** Exactly these messages are at both targets, each as often as here. */
  requireStored(bodies: readonly string[]): void {
    const digests = bodies.map((one) => createHash('sha256').update(one, 'latin1').digest('hex'))
    for (const target of [this.one, this.two]) expect(target.digests.toSorted()).toEqual(digests.toSorted())
  }

  /** What an earlier run has delivered to a target. */
  async deliver(target: string, ...keys: string[]): Promise<void> {
    const receipts = keys.map((key) => ({ key: key as MessageKey, sha256: '', size: 0, where: '', flags: [] }))
    await this.ledger.advance(
      { account: 'alice', target },
      { committed: { receipts, position: '' as Position, at: 0 } },
    )
  }

  /** What a run that died has announced for a target. */
  async announce(target: string, ...keys: string[]): Promise<void> {
    const announced = keys.map((key): Announced => ({ key: key as MessageKey, sha256: '', size: 0 }))
    await this.ledger.advance({ account: 'alice', target }, { begun: { announced, position: '' as Position, at: 0 } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}
