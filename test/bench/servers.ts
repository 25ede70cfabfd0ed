import { mkdir } from 'node:fs/promises'
import { delayProxy, type DelayProxy } from '../support/delay-proxy.js'
import { Dovecot } from '../support/dovecot.js'
import { readByPop3 } from '../support/readers.js'

/** Servers that are started once and end when all is over, as whatever they delete slows down those who write. */
export class Servers implements AsyncDisposable {
  readonly main: Dovecot
  readonly #folder: string
  readonly #users: readonly string[]
  readonly #proxies = new Map<number, DelayProxy>()
  readonly #maildrops = new Map<string, Promise<readonly string[]>>()
  #plain: Promise<Dovecot> | undefined

  /** Each of the users may have a maildrop, or an INBOX to upload to. */
  static async start(folder: string, users: readonly string[]): Promise<Servers> {
    await mkdir(folder, { recursive: true })
    return new Servers(folder, users, await start(folder, users, []))
  }

  private constructor(folder: string, users: readonly string[], main: Dovecot) {
    this.#folder = folder
    this.#users = users
    this.main = main
  }

  /** One whose IMAP takes one message at a time. */
  async withoutMultiappend(): Promise<Dovecot> {
    this.#plain ??= start(this.#folder, this.#users, ['imap_capability = IMAP4rev1 SASL-IR LITERAL+ NAMESPACE UIDPLUS'])
    return this.#plain
  }

  /** Fills it once, and has it read by an independent reader: what that got is what must arrive. */
  async maildrop(user: string, messages: () => Iterable<Buffer>): Promise<readonly string[]> {
    const known = this.#maildrops.get(user)
    if (known) return known
    // Dovecot makes its index meanwhile, so that the first run is like the others.
    const filled = this.main.fill(user, messages()).then(async () => (await readByPop3(this.main, user)).exact)
    this.#maildrops.set(user, filled)
    return filled
  }

  /** The same server behind a longer line. */
  async behind(port: number, roundTripMs: number): Promise<number> {
    if (roundTripMs === 0) return port
    const proxy = this.#proxies.get(port) ?? (await delayProxy(port, roundTripMs))
    this.#proxies.set(port, proxy)
    return proxy.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies.values()) await proxy[Symbol.asyncDispose]()
    await (await this.#plain)?.[Symbol.asyncDispose]()
    await this.main[Symbol.asyncDispose]()
  }
}

async function start(keepIn: string, names: readonly string[], imap: readonly string[]): Promise<Dovecot> {
  return Dovecot.start({ users: Object.fromEntries(names.map((name) => [name, 'maildir'])), imap, keepIn })
}

/** The folder of this benchmark, which `global-setup.ts` made. */
export function benchFolder(): string {
  const folder = process.env['BENCH_FOLDER']
  if (folder === undefined) throw new Error('run it by `npm run bench`')
  return folder
}

/** `count` of the figures in docs/benchmark.md, or fewer where BENCH_MESSAGES says less than 10,000. */
export function scaled(count: number): number {
  return Math.max(1, Math.round((count * Number(process.env['BENCH_MESSAGES'] ?? 10_000)) / 10_000))
}
