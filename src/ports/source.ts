import type { Fault } from './fault.js'
import type { Entry, Flag, Message } from './message.js'
import type { SignInFacts } from './sign-in-facts.js'

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

/** What the plan, or a preset of it, says about a maildrop and the pipeline has to act on. */
export interface SourceRules {
  /** `content`: messages are known by their bytes, because the server has no ids. */
  readonly identity: 'uidl' | 'content'
  /** What to do when a known maildrop comes back with new ids. */
  readonly onUidlReset: 'reidentify' | 'stop'
  /** `ignore`: the sizes that the server lists mean nothing. */
  readonly sizes: 'auto' | 'ignore'
  /** `auto`: sign in again while that may show messages that were never listed in this run. */
  readonly sessions: 'auto' | 'single'
  /** At least so many ms from one sign-in to the next, also across runs; 0: as soon as the server allows. */
  readonly signInEveryMs: number
  /** Fewer distinct messages mean that something is wrong. */
  readonly expectAtLeast?: number
  /** It shows only a part of its messages at a time, and more after a clean QUIT (QUIRKS LST-18). */
  readonly windowed: boolean
}

/**
 * One signed-in connection. Disposing drops it without QUIT, which commits nothing at the server;
 * `quit` commits (RFC 1939 §6) and must only be called when every retrieved message is safe.
 */
export interface Session extends AsyncDisposable {
  /** The server says that it may remove what was fetched (QUIRKS CAP-07). */
  readonly expires: boolean
  /** The server wants at least so many ms between two sign-ins (LOGIN-DELAY, RFC 2449 §6.5). */
  readonly loginDelayMs: number
  readonly facts: SignInFacts
  /** Resolves only with a complete listing; anything less rejects. */
  list(): Promise<Listing>
  /**
   * Fetches what `wanted` hands out, in that order, and yields one result for each entry taken. A fault of one message is
   * yielded; a fault of the session is thrown, and then the first entry without a result was the one in progress.
   */
  retrieve(wanted: Wanted, intake: Intake): AsyncIterable<Retrieved>
  /** Waits for something else, with nothing asked for; meanwhile the server is kept from hanging up. */
  stay<T>(until: Promise<T>): Promise<T>
  /**
   * Marks messages of this session's listing for deletion, which `quit` commits, and yields one result for each in some
   * order. What it does not vouch for it does not mark: the id is asked for once more.
   */
  delete(entries: readonly Entry[]): AsyncIterable<Deletion>
  /** True where the server confirmed it. */
  quit(): Promise<boolean>
  /**
   * The header blocks of these messages, in their order, at most 256 KiB of each, without fetching the messages. Undefined
   * where the server cannot do that; for a message that it refuses; the rest of them where it refuses one after another.
   */
  headers(entries: readonly Entry[]): AsyncIterable<Uint8Array | undefined> | undefined
}

export interface Deletion {
  readonly entry: Entry
  /** Why it is not marked. */
  readonly fault?: Fault
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
