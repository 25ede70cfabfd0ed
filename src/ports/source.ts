import type { Fault } from './fault.js'
import type { Entry, Flag, Message } from './message.js'

/** One maildrop. */
export interface Source {
  /** Server name as the plan has it: sessions at once are counted per host. */
  readonly host: string
  /** `host`, or `host:port` where the port is not the usual one: through tunnels, several servers are ports of one host. */
  readonly server: string
  readonly rules: SourceRules
  /** Connects and signs in. Rejects with a Fault that names server and phase. */
  connect(signal: AbortSignal): Promise<Session>
}

/** What the plan or the kind of server says about a maildrop that concerns the engine rather than the protocol. */
export interface SourceRules {
  /** `content`: messages are known by their bytes, because the server has no ids. */
  readonly identity: 'uidl' | 'content'
  /** What to do when a known maildrop comes back with new ids. */
  readonly onUidlReset: 'reidentify' | 'stop'
  /** It shows only a part of its messages at a time, and more after a clean QUIT (QUIRKS LST-18). */
  readonly windowed: boolean
}

/**
 * One signed-in connection. Disposing drops it without QUIT, which commits nothing at the server;
 * `quit` commits (RFC 1939 §6) and must only be called when every retrieved message is safe.
 */
export interface Session extends AsyncDisposable {
  /** Resolves only with a complete listing; anything less rejects. */
  list(): Promise<Listing>
  /**
   * Fetches what `wanted` hands out, in that order, and yields one result for each entry taken. A fault of one message is
   * yielded; a fault of the session is thrown, and then the first entry without a result was the one in progress.
   */
  retrieve(wanted: Wanted, intake: Intake): AsyncIterable<Retrieved>
  quit(): Promise<void>
}

export interface Listing {
  readonly entries: readonly Entry[]
  /** Sum of the listed sizes. */
  readonly bytes: number
}

/** Where a session gets its work from; the pipeline holds entries back while memory is short. */
export interface Wanted {
  /** The next entry to ask for, or undefined: nothing now (see `more`) or nothing ever. */
  take(): Entry | undefined
  /** Settles when `take` has something again (true) or never will (false). */
  more(): Promise<boolean>
}

export type Retrieved =
  | { readonly entry: Entry; readonly message: Message; readonly flags: readonly Flag[] }
  | { readonly entry: Entry; readonly fault: Fault }

/** Takes a message's bytes while they arrive: digest, memory or spool, bandwidth. */
export interface Intake {
  begin(entry: Entry): Incoming
}

export interface Incoming {
  /** The bytes must not change afterwards. A promise means: wait for it before reading on from the network. */
  write(bytes: Uint8Array): Promise<void> | undefined
  finish(): Promise<Message>
  /** Forgets the message: it is incomplete, or it turned out wrong after `finish`. */
  discard(): Promise<void>
}
