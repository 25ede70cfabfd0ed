import type { Ledger } from '../../src/ports/ledger.js'
import type { Message } from '../../src/ports/message.js'
import type { QuarantineFolder } from '../../src/ports/quarantine.js'
import type { Session, Source } from '../../src/ports/source.js'
import type { Target, Writer } from '../../src/ports/target.js'

/** The process is dead: whatever it would have done next does not happen. */
class Dead extends Error {}

/**
 * Counts the calls of ports, before and after each, and dies at one of them: from then on every call fails. Letting go
 * of locks and sockets is still allowed, as the kernel would do it.
 */
export class Steps {
  readonly #stopAt: number
  count = 0

  constructor(stopAt = Infinity) {
    this.#stopAt = stopAt
  }

  step(): void {
    if (this.count < this.#stopAt) this.count++
    if (this.count === this.#stopAt) throw new Dead(`dead at step ${this.count}`)
  }

  async around<T>(call: () => Promise<T>): Promise<T> {
    this.step()
    const result = await call()
    this.step()
    return result
  }

  ledger(ledger: Ledger): Ledger {
    const around = <A extends unknown[], T>(call: (...args: A) => Promise<T>) => {
      return async (...args: A): Promise<T> => this.around(async () => call.apply(ledger, args))
    }
    const { deletions } = ledger
    return {
      deletions: {
        unproven: (lane) => this.#stepped(deletions.unproven(lane)),
        prove: around(async (lane, found) => deletions.prove(lane, found)),
        deletable: async (lanes, when, keys) => deletions.deletable(lanes, when, keys),
        request: around(async (account, messages, at) => deletions.request(account, messages, at)),
        doubt: around(async (lane, keys) => deletions.doubt(lane, keys)),
        settle: around(async (account, keys, state) => deletions.settle(account, keys, state)),
        requested: (account) => deletions.requested(account),
      },
      known: around(async () => ledger.known()),
      enrol: around(async (enrolments) => ledger.enrol(enrolments)),
      load: around(async (lane) => ledger.load(lane)),
      delivered: (lane) => ledger.delivered(lane),
      receipts: (lane) => ledger.receipts(lane),
      lost: (lane) => ledger.lost(lane),
      amend: around(async (lane, amendment) => ledger.amend(lane, amendment)),
      listing: around(async (account) => ledger.listing(account)),
      identities: (account) => ledger.identities(account),
      find: around(async (account, what) => ledger.find(account, what)),
      identify: around(async (account, findings) => ledger.identify(account, findings)),
      advance: around(async (lane, step) => ledger.advance(lane, step)),
      kept: around(async (account) => ledger.kept(account)),
      recall: async (account) => ledger.recall(account),
      remember: around(async (account, learnt) => ledger.remember(account, learnt)),
      startRun: around(async (run, at) => ledger.startRun(run, at)),
      finishAccount: around(async (account, summary) => ledger.finishAccount(account, summary)),
      finishRun: around(async (run, at, code) => ledger.finishRun(run, at, code)),
      status: around(async () => ledger.status()),
      records: ledger.records,
      [Symbol.asyncDispose]: async () => ledger[Symbol.asyncDispose](),
    }
  }

  target(target: Target): Target {
    return {
      place: target.place,
      shareable: target.shareable,
      open: async (lane, progress, signal) => {
        this.step()
        const writer = await target.open(lane, progress, signal)
        return this.#writer(writer)
      },
      read: (lane, progress, receipts) => target.read(lane, progress, receipts),
      ...(target.trace && { trace: (receipt) => target.trace?.(receipt) ?? {} }),
      ...(target.reanchor && { reanchor: async (progress) => this.around(async () => target.reanchor?.(progress)) }),
      ...(target.forms && { forms: async (message: Message) => target.forms?.(message) ?? [] }),
      others: (lane, progress, accounted) => this.#stepped(target.others(lane, progress, accounted)),
    }
  }

  quarantine(folder: QuarantineFolder): QuarantineFolder {
    return {
      put: async (name, chunks) => this.around(async () => folder.put(name, this.#halves(chunks))),
      open: (name) => this.#halves(folder.open(name)),
      remove: async (name) => this.around(async () => folder.remove(name)),
      setAside: async (kept) => this.around(async () => folder.setAside(kept)),
      sweep: async (kept) => this.around(async () => folder.sweep(kept)),
    }
  }

  source(source: Source): Source {
    return {
      host: source.host,
      server: source.server,
      rules: source.rules,
      connect: async (signal) => {
        this.step()
        return this.#session(await source.connect(signal))
      },
    }
  }

  #writer(writer: Writer): Writer {
    return {
      get position() {
        return writer.position
      },
      admit: async (messages) => {
        this.step()
        await writer.admit(messages)
      },
      append: async (message) => this.around(async () => writer.append(this.#message(message))),
      commit: async () => this.around(async () => writer.commit()),
      ...(writer.seal && { seal: (last: boolean) => this.#stepped(writer.seal?.(last) ?? none()) }),
      [Symbol.asyncDispose]: async () => writer[Symbol.asyncDispose](),
    }
  }

  /** A message whose bytes are asked for in parts, so that the death may come between two of them. */
  #message(message: Message): Message {
    const halves = (): AsyncIterable<Uint8Array> => this.#halves(message.open())
    return { ...facts(message), bytes: undefined, open: halves }
  }

  async *#halves(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      const middle = chunk.length >> 1
      yield chunk.subarray(0, middle)
      this.step()
      yield chunk.subarray(middle)
    }
  }

  async *#stepped<T>(steps: AsyncIterable<T>): AsyncIterable<T> {
    this.step()
    for await (const one of steps) {
      this.step()
      yield one
      this.step()
    }
  }

  #session(session: Session): Session {
    return {
      expires: session.expires,
      loginDelayMs: session.loginDelayMs,
      facts: session.facts,
      list: async () => this.around(async () => session.list()),
      retrieve: (wanted, intake) => session.retrieve(wanted, intake),
      headers: (entries) => session.headers(entries),
      delete: (entries) => this.#stepped(session.delete(entries)),
      stay: async (until) => session.stay(until),
      quit: async () => this.around(async () => session.quit()),
      [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
    }
  }
}

async function* none(): AsyncIterable<never> {
  yield* []
}

/** The properties of a message, which may stand on its prototype. */
function facts({ key, size, sha256, header }: Message): Pick<Message, 'key' | 'size' | 'sha256' | 'header'> {
  return { key, size, sha256, header }
}
