import type { ImapClient } from '../imap/client.js'
import type { Answer } from '../imap/appender.js'
import { fetchBodies, listFrom } from '../imap/fetch.js'
import { type Mailbox, mailboxStatus, openMailbox } from '../imap/mailbox.js'
import { ruleDate } from '../mail/date.js'
import type { Clock } from '../ports/clock.js'
import { Fault } from '../ports/fault.js'
import type { Flag, Message } from '../ports/message.js'
import type { Position, Progress, Receipt, Writer } from '../ports/target.js'
import { candidates, Claims, type Copy } from './imap-claims.js'
import { fingerprint, FingerprintMaker } from './imap-digest.js'
import { leastChange } from './imap-form.js'
import { whereText } from './imap-where.js'
import { appendFault } from './imap-refusal.js'
import type { ImapSettings } from './imap-settings.js'
import { Uploads } from './imap-uploads.js'

/** A position: which mailbox it was, and the first UID that no receipt can hold. */
interface Standing {
  readonly uidValidity: number
  readonly uidNext: number
  /** The UIDs of the lane's first messages: they are not strangers. */
  readonly ours?: readonly number[]
  /** Copies in front of it that a dead run may have left and nobody has asked for yet. */
  readonly left?: readonly Copy[]
}

export interface ImapContext {
  readonly clock: Clock
  /** How long a lost session may still act, ms. */
  readonly settleMs: number
  readonly warn: (code: string, message: string) => void
}

/** How many of a lane's first messages are looked for among what is already there (`ledger-missing`). */
const probes = 20
/** So many messages refused in a row say more about the server than about them (QUIRKS APP-04). */
const manyRefusals = 3

/**
 * Appends messages to one folder of an IMAP server. What a lost session left is found again beyond the position, by
 * digest (QUIRKS APP-01, APP-02); a UIDVALIDITY that changed makes the whole folder the place to look (APP-20).
 */
export class ImapWriter implements Writer {
  readonly #settings: ImapSettings
  readonly #context: ImapContext
  readonly #client: ImapClient
  readonly #mailbox: Mailbox
  readonly #uploads: Uploads
  readonly #claims: Claims
  #uidNext: number
  #refusals = 0
  #probesLeft: number
  /** Known to be the lane's own, while others are looked for. */
  readonly #ours: Set<number>

  static async open(
    settings: ImapSettings,
    context: ImapContext,
    progress: Progress,
    connect: () => Promise<ImapClient>,
  ): Promise<ImapWriter> {
    const client = await connect()
    try {
      const { dialogue, capabilities } = client
      const { folder } = settings
      const create = progress.receipts === 0
      const mailbox = await openMailbox(dialogue, { folder, capabilities, create, warn: context.warn })
      if (!create && mailbox.messages === 0) {
        throw dialogue.wire.connection.fault('target-gone', `the folder ${folder} is empty`)
      }
      const flags = settings.flags.filter((flag) => mailbox.permanentFlags?.has(flag.toLowerCase()) !== false)
      const { connections } = settings
      const { warn } = context
      const uploads = await Uploads.open({ first: client, mailbox, flags, connections, connect, warn })
      const writer = new ImapWriter({ settings, context, progress, client, mailbox, uploads })
      await writer.#look(progress).catch(async (error: unknown) => {
        await uploads.close()
        throw error
      })
      return writer
    } catch (error) {
      client.drop()
      throw error
    }
  }

  private constructor({ settings, context, progress, client, mailbox, uploads }: WriterParts) {
    this.#settings = settings
    this.#context = context
    this.#client = client
    this.#mailbox = mailbox
    this.#uidNext = mailbox.uidNext ?? 1
    this.#uploads = uploads
    this.#claims = new Claims(progress.announced)
    const standing = standingOf(progress)
    this.#ours = standing?.uidValidity === mailbox.uidValidity ? new Set(standing.ours) : new Set()
    this.#probesLeft = mailbox.messages > 0 ? Math.max(0, probes - progress.receipts) : 0
  }

  get position(): Position {
    const ours = this.#probesLeft > 0 ? { ours: [...this.#ours] } : {}
    const left = this.#claims.left.length > 0 ? { left: this.#claims.left } : {}
    const { uidValidity } = this.#mailbox
    const standing: Standing = { uidValidity, uidNext: this.#uidNext, ...ours, ...left }
    return JSON.stringify(standing) as Position
  }

  async admit(messages: readonly Message[]): Promise<void> {
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.length === 0) return
    this.#probesLeft -= probed.length
    const listed = await listFrom(this.#client.dialogue, 1)
    const sizes = new Set(probed.map(({ size }) => size))
    const same = listed.filter(({ uid, size }) => sizes.has(size) && !this.#ours.has(uid)).map(({ uid }) => uid)
    const digests = new Set(probed.map(({ sha256 }) => sha256))
    for (const maker of (await fetchBodies(this.#client.dialogue, same, () => new FingerprintMaker())).values()) {
      if (!digests.has(maker.finish().sha256)) continue
      throw new Fault('ledger-missing', `${this.#settings.folder} already holds messages of this account`)
    }
  }

  async append(message: Message): Promise<Receipt> {
    const { key, sha256, size } = message
    const date = ruleDate(message.header, this.#settings.date, this.#context.clock.now())
    const dateless: readonly Flag[] = date === undefined ? ['date-missing'] : []
    const claimed = await this.#claims.take(message)
    if (claimed) return this.#claimed(message, claimed, dateless)
    this.#requireFitting(message)
    const { answer, form } = await this.#store(message, date)
    if (!answer.response.ok) throw this.#refusal(answer)
    this.#refusals = 0
    const { uid } = answer
    if (uid !== undefined) {
      this.#ours.add(uid)
      this.#uidNext = Math.max(this.#uidNext, uid + 1)
    }
    const flags = [...dateless, ...(form ? (['lossy-form'] as const) : [])]
    return { key, sha256, size, where: await this.#where(message, uid), flags, ...(form && { stored: form.sha256 }) }
  }

  /** A copy that the server has changed proves itself by its own digest; one of other bytes is what was stored then. */
  #claimed(message: Message, copy: Copy, flags: readonly Flag[]): Receipt {
    const { key, sha256, size } = message
    const where = whereText({ uidValidity: this.#mailbox.uidValidity, uid: copy.uid, loose: undefined })
    if (copy.sha256 === sha256) return { key, sha256, size, where, flags }
    if (this.#claims.wasAnnounced(key, copy.sha256))
      return { key, sha256: copy.sha256, size: copy.size, where, flags: [] }
    return { key, sha256, size, where, flags: [...flags, 'lossy-form'], stored: copy.sha256 }
  }

  /** What the server answered OK is durable; asked is whether it still is the same folder, and how far it has come. */
  async commit(): Promise<Position> {
    const { dialogue } = this.#client
    const { name, uidValidity } = this.#mailbox
    const status = await mailboxStatus(dialogue, name, ['UIDVALIDITY', 'UIDNEXT'])
    if (status?.get('UIDVALIDITY') !== uidValidity) {
      throw dialogue.wire.connection.fault('target-gone', `the folder ${this.#settings.folder} is gone`)
    }
    this.#uidNext = Math.max(this.#uidNext, status.get('UIDNEXT') ?? 0)
    return this.position
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#uploads.close()
  }

  /**
   * As it is; where the server refuses that for its bytes, as a binary literal if there is a NUL, else with the least
   * change that it may accept (QUIRKS APP-10, APP-11). Dovecot takes NULs in plain literals and changes less of them there
   * than of a binary one, which it may encode anew.
   */
  async #store(message: Message, date: number | undefined): Promise<Stored> {
    const plain = { size: message.size, bytes: message.bytes, open: () => message.open(), date }
    let answer = await this.#uploads.append({ ...plain, binary: false })
    if (!answer.response.ok && date !== undefined && answer.response.words.includes('date')) {
      return this.#store(message, undefined)
    }
    if (answer.response.ok || !isAboutBytes(answer)) return { answer, form: undefined }
    if (this.#client.capabilities.has('BINARY') && (await holdsNul(message))) {
      answer = await this.#uploads.append({ ...plain, binary: true })
      if (answer.response.ok) return { answer, form: undefined }
    }
    const form = await leastChange(message)
    if (!form) return { answer, form: undefined }
    const { size, bytes, open } = form
    return { answer: await this.#uploads.append({ size, bytes, open, date, binary: false }), form }
  }

  #requireFitting({ size }: Message): void {
    const { appendLimit } = this.#mailbox
    const { connection } = this.#client.dialogue.wire
    if (appendLimit !== undefined && size > appendLimit) {
      throw connection.fault('too-big', `the server takes at most ${appendLimit} octets`)
    }
  }

  #refusal({ response }: Answer): Fault {
    const { connection } = this.#client.dialogue.wire
    const fault = appendFault(response, connection)
    if (fault.scope !== 'message' || ++this.#refusals < manyRefusals) return fault
    return connection.fault('target-refuses', 'the server refuses one message after another', { reply: response.text })
  }

  /** Where no UID is known the message is told by its digest alone. */
  async #where(message: Message, uid: number | undefined): Promise<string> {
    const { uidValidity } = this.#mailbox
    if (uid === undefined) return `?${message.sha256.slice(0, 20)}`
    const loose = (await isPlain(message)) ? undefined : (await fingerprint(message)).loose.slice(0, 20)
    return whereText({ uidValidity, uid, loose })
  }

  /** Looks for what a dead run may have left, once its session can act no more. */
  async #look({ position, announced, begunAt }: Progress): Promise<void> {
    const standing = standingOf({ position })
    if (!standing || announced.length === 0) return
    const { uidValidity, uidNext, left = [] } = standing
    const same = uidValidity === this.#mailbox.uidValidity
    for (const copy of same ? left : []) this.#claims.add(copy)
    const { dialogue } = this.#client
    const listed = await this.#still(same ? uidNext : 1, begunAt ?? 0)
    this.#uidNext = Math.max(this.#uidNext, (listed.at(-1)?.uid ?? 0) + 1)
    const makers = await fetchBodies(dialogue, candidates(listed, announced), () => new FingerprintMaker())
    for (const uid of [...makers.keys()].sort((one, other) => one - other)) {
      const maker = makers.get(uid)
      if (maker) this.#claims.add({ uid, ...maker.finish() })
    }
    for (const { uid } of this.#claims.left) this.#ours.add(uid)
  }

  /** What stands from a UID on, as soon as it can be trusted not to grow by itself (measured: 90 ms after a SIGKILL). */
  async #still(first: number, begunAt: number): ReturnType<typeof listFrom> {
    const { clock, settleMs } = this.#context
    let newest = -1
    let since = clock.monotonic()
    for (;;) {
      const listed = await listFrom(this.#client.dialogue, first)
      const last = listed.at(-1)?.uid ?? 0
      if (last !== newest) since = clock.monotonic()
      newest = last
      // A clock that was put back must not make anybody wait for longer.
      const over = Math.abs(clock.now() - begunAt)
      if (over >= 2 * settleMs) return listed
      if (over >= settleMs && clock.monotonic() - since >= settleMs / 3) return listed
      await clock.sleep(Math.min(1000, settleMs / 10))
    }
  }
}

function standingOf({ position }: Pick<Progress, 'position'>): Standing | undefined {
  return position === undefined ? undefined : (JSON.parse(position) as Standing)
}

async function holdsNul(message: Message): Promise<boolean> {
  for await (const chunk of message.open()) if (chunk.includes(0)) return true
  return false
}

/** CRLF everywhere, at the end as well, and no NUL: no server has a reason to change it. */
async function isPlain(message: Message): Promise<boolean> {
  if (!message.bytes) return (await leastChange(message)) === undefined
  const text = Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.length).toString('latin1')
  return text.endsWith('\r\n') && !/\0|(?<!\r)\n|\r(?!\n)/.test(text)
}

/** Neither a size, nor a quota, nor a mood: what is left is what is in the message. */
function isAboutBytes({ response }: Answer): boolean {
  return /newline|line end|\bnul\b|null|bare|binary|malformed|invalid|argument|parse/.test(response.words)
}

interface Stored {
  readonly answer: Answer
  /** What was stored where that is not the message as it is. */
  readonly form: { readonly sha256: string } | undefined
}

interface WriterParts {
  readonly settings: ImapSettings
  readonly context: ImapContext
  readonly progress: Progress
  readonly client: ImapClient
  readonly mailbox: Mailbox
  readonly uploads: Uploads
}
