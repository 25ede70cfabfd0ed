import type { Probe } from './check.js'
import type { Flag, Message, MessageKey } from './message.js'

/** One account into one target: the unit of exactly-once. Names as the plan has them. */
export interface Lane {
  readonly account: string
  readonly target: string
}

/** How far a lane's target is committed. Opaque to all but the target that made it (JSON text). */
export type Position = string & { readonly brand: 'Position' }

/** A message that may stand in the target beyond the position although no receipt says so. */
export interface Announced {
  readonly key: MessageKey
  readonly sha256: string
  readonly size: number
  /** Of the header (32 hexadecimal digits); the engine's, of no concern to targets. */
  readonly fingerprint?: string
}

/** What the ledger knows of a lane when a writer is opened. */
export interface Progress {
  /** The account's first name in this ledger: it stays the salt of names that are made from the key. */
  readonly origin: string
  /** Undefined only if the lane never began a batch. */
  readonly position: Position | undefined
  /** Begun but never committed, in the order in which they were to be appended; empty after a clean end. */
  readonly announced: readonly Announced[]
  /** When they were announced, in milliseconds since 1970; undefined where nothing is. */
  readonly begunAt?: number | undefined
  /** How many receipts the lane has. */
  readonly receipts: number
  /** The other lanes at the place. */
  readonly neighbours?: Neighbourhood
  /** The ledger is being rebuilt: whoever opens the lane finds its messages there, and nobody minds (`ledger-missing`). */
  readonly adopting?: boolean
}

/** What other lanes have at a place. */
export interface Neighbourhood {
  receipts(): AsyncIterable<Receipt>
  /** What may stand there without a receipt. */
  announced(): Promise<readonly Announced[]>
}

/** Proof of one delivery. */
export interface Receipt {
  readonly key: MessageKey
  readonly sha256: string
  readonly size: number
  /** Where the target finds it again: a file name, an offset; the target's own grammar. */
  readonly where: string
  /** SHA-256 of the stored form, where the stored form cannot be turned back into the message. */
  readonly stored?: string
  readonly flags: readonly Flag[]
  /** As in Announced. */
  readonly fingerprint?: string
  /** Octets that the server listed for it; the engine's, of no concern to targets. */
  readonly listed?: number
  /** The message's own date, ms since 1970, where it has one. */
  readonly date?: number | undefined
}

/** One place where messages go. Holds no resources until `open`. */
export interface Target {
  /** Canonical identity of the place, the same for every spelling of it; two lanes with one `place` meet there. */
  readonly place: string
  /** True where several lanes may share the place, one after another (Maildir); false: a plan error (mbox). */
  readonly shareable: boolean
  /** True where each of its waits has a limit of its own, as at a server: then it may take as long as it gets on. */
  readonly bounded?: boolean
  /**
   * Takes the place's lock (Fault `held`), looks at what stands beyond the position and returns a writer.
   * Changes nothing that popferry did not write. `gotOn` is called while one step takes long and goes on.
   */
  open(lane: Lane, progress: Progress, signal: AbortSignal, gotOn?: () => void): Promise<Writer>
  /**
   * Whether messages could be stored, as far as that shows without storing one. Leaves nothing behind: what is missing is
   * not created, and a probe file is removed at once. `progress` of a lane that the ledger knows: what was stored must be there.
   */
  probe?(progress: Progress | undefined, signal: AbortSignal): Promise<Probe>
  /** Reads back what the receipts speak of, in their order. */
  read(lane: Lane, progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack>
  /** What stands at the place beside what is accounted for, whoever stored it; changes nothing. */
  others(lane: Lane, progress: Progress, accounted: Accounted): AsyncIterable<OtherCopy>
  /**
   * Where the lane stands now that its place was looked through, whatever happened to it since the last commit. Rejects
   * with `target-gone` where what should hold the place is not there: nothing is concluded from what is missing then.
   */
  reanchor?(progress: Progress): Promise<Position | undefined>
  /**
   * The bytes of receipts' messages as they were sent, as far as the place can tell: whoever takes them proves them by the
   * digest. Leaves out what is not there. The parts of one are read before the next is asked for.
   */
  contents?(lane: Lane, progress: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents>
  /** Where it is more than the digest of what was stored that tells a receipt's message from others. */
  trace?(receipt: Receipt): Trace
  /** As what a copy of the message may stand here, the surest way to know it first. */
  forms?(message: Message): Promise<readonly StandingForm[]>
}

/** A form in which a message may stand at a place. */
export interface StandingForm {
  /** One of the digests of such a copy; see OtherCopy. */
  readonly digest: string
  /** For the copy that stands there. */
  readonly receipt: (where: string) => Receipt
}

export interface Contents {
  readonly receipt: Receipt
  /** Each part is valid until the next one. */
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface Trace {
  /** The digest by which its copy is known wherever it stands. */
  readonly digest?: string
  /** Where messages move when one before them is removed: where this one stood. */
  readonly start?: string
}

/**
 * Appends messages to one lane. The engine calls `append` for the messages of a begun batch, possibly many at once
 * without waiting, then `commit` when all have settled. Disposing without committing equals a crash: never a commit.
 */
export interface Writer extends AsyncDisposable {
  /** Where the next batch starts: everything beyond it is announced before the first append. */
  readonly position: Position
  /** As it was when the writer was opened. */
  readonly room?: Room
  /**
   * Called before a batch is begun. Rejects with `ledger-missing` where a lane without a past finds its messages already there:
   * once they were announced, they would count as its own.
   */
  admit(messages: readonly Message[]): Promise<void>
  /**
   * Stores the message, or claims the copy of it that a crashed run left. Calls arrive in announced order.
   * A message fault fails the message alone, any other fault stops the lane. Only a target that finds copies also where
   * one of the announced is missing in between may throw message faults: a later run offers that one in its place.
   */
  append(message: Message): Promise<Receipt>
  /** Resolves when everything appended is durable: files and folders synced. */
  commit(): Promise<Position>
  /**
   * Where a message's place is not its final one: brings what is committed further, after each commit of the ledger as far
   * as it is due, and with `last` all of it when the lane ends in order. Between batches: nothing is appended meanwhile.
   * Each step it yields must be durable in the ledger before it goes on. When the signal is aborted it ends soon, and the
   * next run's writer does the rest.
   */
  seal?(last: boolean): AsyncIterable<Sealed>
}

/** How much more a target takes, as far as its server says. */
export interface Room {
  readonly server: string
  /** Octets of the largest message. */
  readonly largest?: number
  /** Octets and messages until its quota is used up. */
  readonly octets?: number
  readonly messages?: number
}

export interface Sealed {
  readonly position: Position
  /** Messages that were delivered before and stand elsewhere now. */
  readonly moved?: readonly Pick<Receipt, 'key' | 'where'>[]
  /** A file of an archive that is whole now, and will not be touched again. */
  readonly volume?: Volume
}

export interface Volume {
  readonly path: string
  /** Of the file. */
  readonly sha256: string
  readonly messages: number
  /** Octets of the file. */
  readonly bytes: number
}

/** The outcome of reading one receipt's message back. */
export interface ReadBack {
  readonly key: MessageKey
  /** `staged`: whole and safe in the state folder, but not yet at its place. */
  readonly state: 'intact' | 'staged' | 'missing' | 'altered'
}

/** Whom a look at a place's other messages may leave out. */
export interface Accounted {
  /** Their messages stand where they say. Of any lane at the place. */
  readonly receipts: AsyncIterable<Receipt>
  /** Whether a message of so many octets, from the one to the other number, is of interest. */
  readonly wants: (from: number, to: number) => boolean
  /** Messages whose copies are to be told by what popferry wrote beside them, where it did. */
  readonly keys?: SoughtKeys
}

/** May become fewer while it is in use. */
export type SoughtKeys = Pick<ReadonlySet<MessageKey>, 'has' | 'keys' | 'size'>

/** A message at a target's place that is not accounted for. */
export interface OtherCopy {
  /** As a receipt would say it. */
  readonly where: string
  /** Where it is, for people. */
  readonly seen: string
  /** Digests by which a receipt may know it: of the message, of its stored form, without what mail readers add. */
  readonly digests: readonly string[]
  /** See Trace. */
  readonly start?: string
  /** By its name, or by a list beside it, it is the copy of this message, and its bytes are those that were stored then. */
  readonly own?: OwnCopy
}

/** A copy that needs no comparison with what the server sends. */
export interface OwnCopy extends Pick<Receipt, 'key' | 'sha256' | 'size' | 'date'> {
  /** The first octets of the message, as it was sent; its header among them, up to 256 KiB. */
  readonly head: Uint8Array
}
