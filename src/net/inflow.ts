import type { Connection } from './connection.js'

/**
 * Reads a connection so that no peer keeps it alive for ever with an octet now and then, which no limit of silence would
 * notice: less than 1 KiB in five times the longest silence inside a reply is a failure (QUIRKS CON-11).
 */
export class Inflow {
  readonly #connection: Connection
  readonly #trickle = new Trickle(5)
  #octets = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** All that has come. */
  get octets(): number {
    return this.#octets
  }

  /** The first bytes of a reply. */
  async first(silenceMs: number): Promise<Buffer> {
    this.#trickle.reset()
    return this.#read(silenceMs)
  }

  /** More bytes of it. */
  async more(silenceMs: number): Promise<Buffer> {
    const since = performance.now()
    const chunk = await this.#read(silenceMs)
    if (this.#trickle.flows(chunk.length, performance.now() - since, silenceMs)) return chunk
    throw trickleFault(this.#connection)
  }

  /** Bytes that end in a reply are a failure, also for TLS, where a cut looks like a normal end (QUIRKS TLS-08). */
  async #read(silenceMs: number): Promise<Buffer> {
    const chunk = await this.#connection.read(silenceMs)
    if (!chunk) throw this.#connection.fault('connection-lost', 'the server closed the connection')
    this.#octets += chunk.length
    return chunk
  }
}

/** Next to nothing in a time that is some silences long. */
export class Trickle {
  readonly #silences: number
  #waitedMs = 0
  #octets = 0

  constructor(silences: number) {
    this.#silences = silences
  }

  /** Something else begins. */
  reset(): void {
    this.#waitedMs = 0
    this.#octets = 0
  }

  /** So much came after so long a wait. False where that makes a trickle. */
  flows(octets: number, waitedMs: number, silenceMs: number): boolean {
    this.#octets += octets
    this.#waitedMs += waitedMs
    if (this.#waitedMs < this.#silences * silenceMs) return true
    const flows = this.#octets >= least
    this.reset()
    return flows
  }
}

export function trickleFault(connection: Connection): Error {
  return connection.fault('timeout', 'the server sends next to nothing, for much too long')
}

const least = 1024
