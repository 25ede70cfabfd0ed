import type { Answer } from '../imap/appender.js'
import type { ImapClient } from '../imap/client.js'
import { listFrom } from '../imap/fetch.js'
import { type Mailbox, openMailbox } from '../imap/mailbox.js'
import { removeByUid } from '../imap/remove.js'
import { ownDate, ruleDate } from '../mail/date.js'
import type { Clock } from '../ports/clock.js'
import type { Fault } from '../ports/fault.js'
import type { Flag, Message } from '../ports/message.js'
import type { Position, Progress, Receipt, Room, Sealed, Writer } from '../ports/target.js'
import type { WarningCode } from '../ports/warning.js'
import { Claims, type Copy } from './imap-claims.js'
import { fingerprint } from './imap-digest.js'
import { Fidelity } from './imap-fidelity.js'
import { FolderWatch } from './imap-folder-watch.js'
import { isPlain } from './imap-form.js'
import { LateCopies } from './imap-late.js'
import { lookBehind } from './imap-look.js'
import { Neighbours } from './imap-neighbours.js'
import { appendFault } from './imap-refusal.js'
import { roomIn } from './imap-room.js'
import { SeenUids } from './imap-seen-uids.js'
import type { ImapSettings } from './imap-settings.js'
import { positionOf, type Standing, standingOf } from './imap-standing.js'
import { store } from './imap-storing.js'
import { Strangers } from './imap-strangers.js'
import type { Suspects } from './imap-suspects.js'
import { Uploads } from './imap-uploads.js'
import { whereByDigest, whereText } from './imap-where.js'

export interface ImapContext {
  readonly clock: Clock
  /** How long a lost session may still act, ms. */
  readonly settleMs: number
  readonly warn: (code: WarningCode, message: string) => void
}

export interface ImapWriterContext extends ImapContext {
  readonly suspects: Suspects
}

/** Times `settle`, after which a lost session is dead for certain. */
const forgottenAfter = 60
/** So many messages refused in a row say more about the server than about them (QUIRKS APP-04). */
const manyRefusals = 3

/**
 * Appends messages to one folder of an IMAP server. What a lost session left is found again beyond the position, by
 * digest (QUIRKS APP-01, APP-02); a UIDVALIDITY that changed makes the whole folder the place to look (APP-20).
 */
export class ImapWriter implements Writer {
  readonly room: Room
  readonly #settings: ImapSettings
  readonly #context: ImapWriterContext
  readonly #client: ImapClient
  readonly #mailbox: Mailbox
  readonly #uploads: Uploads
  readonly #claims: Claims
  readonly #strangers: Strangers
  readonly #fidelity: Fidelity
  readonly #late: LateCopies
  readonly #watch: FolderWatch
  readonly #neighbours: Neighbours
  readonly #seen: SeenUids
  #uidNext: number
  #refusals = 0

  static async open(
    settings: ImapSettings,
    context: ImapWriterContext,
    progress: Progress,
    connect: () => Promise<ImapClient>,
  ): Promise<ImapWriter> {
    const client = await connect()
    context.suspects.renew()
    let uploads: Uploads | undefined
    try {
      const { dialogue, capabilities } = client
      const { folder, connections } = settings
      const { warn } = context
      const create = progress.receipts === 0
      const mailbox = await openMailbox(dialogue, { folder, capabilities, create, warn })
      if (!create && mailbox.messages === 0) {
        throw dialogue.wire.connection.fault('target-gone', `the folder ${folder} is empty`)
      }
      const flags = settings.flags.filter((flag) => mailbox.permanentFlags?.has(flag.toLowerCase()) !== false)
      uploads = await Uploads.open({ first: client, mailbox, flags, connections, connect, warn })
      const standing = standingOf(progress)
      const before = standing?.uidValidity === mailbox.uidValidity ? standing : undefined
      const { announced, begunAt = 0 } = progress
      const look = { ...context, announced, begunAt, from: before?.uidNext ?? 1 }
      const room = await roomIn(client, mailbox)
      const looked = standing && announced.length > 0 ? await lookBehind(dialogue, look) : { copies: [], next: 1 }
      const neighbours = new Neighbours(progress, mailbox.uidValidity)
      const copies = await neighbours.without([...(before?.left ?? []), ...looked.copies])
      const found = { copies, next: looked.next, neighbours }
      const writer = new ImapWriter({ settings, context, progress, client, mailbox, room, uploads, before, found })
      await writer.#finishRemoval()
      return writer
    } catch (error) {
      client.drop()
      await uploads?.close()
      throw error
    }
  }

  private constructor({ settings, context, progress, client, mailbox, room, uploads, before, found }: WriterParts) {
    const { announced, receipts, adopting = false } = progress
    this.#settings = settings
    this.#context = context
    this.#client = client
    this.#mailbox = mailbox
    this.room = room
    this.#uploads = uploads
    this.#uidNext = Math.max(mailbox.uidNext ?? 1, found.next)
    this.#seen = new SeenUids(this.#uidNext)
    this.#claims = new Claims(announced)
    for (const copy of found.copies) this.#claims.add(copy)
    const ours = [...(before?.ours ?? []), ...this.#claims.left.map(({ uid }) => uid)]
    this.#strangers = new Strangers(ours, {
      messages: mailbox.messages,
      receipts,
      // Of a folder that was made anew, everything may be the lane's.
      next: before?.uidNext ?? this.#uidNext,
      end: this.#uidNext,
      adopting,
      neighbours: found.neighbours,
    })
    this.#neighbours = found.neighbours
    this.#fidelity = new Fidelity(before?.rewrites, context.warn)
    this.#watch = new FolderWatch(client.dialogue, mailbox, settings.folder)
    this.#late = new LateCopies(before?.doubts, this.#uidNext, announced.length > 0)
  }

  get position(): Position {
    const { left } = this.#claims
    const { ours } = this.#strangers
    const { doubts } = this.#late
    const { rewrites } = this.#fidelity
    return positionOf({
      uidValidity: this.#mailbox.uidValidity,
      uidNext: this.#uidNext,
      ...(ours && { ours }),
      ...(left.length > 0 && { left }),
      ...(doubts && { doubts }),
      ...(rewrites !== undefined && { rewrites }),
    })
  }

  async admit(messages: readonly Message[]): Promise<void> {
    // What a dead run has begun was looked for then, as far as it had to be.
    const fresh = messages.filter(({ key }) => !this.#claims.hasAnnounced(key))
    await this.#strangers.probe(fresh, this.#client.dialogue, this.#settings.folder)
  }

  async append(message: Message): Promise<Receipt> {
    const { key, sha256, size } = message
    const date = ruleDate(message.header, this.#settings.date, this.#context.clock.now())
    const dateless: readonly Flag[] = date === undefined ? ['date-missing'] : []
    const claimed = await this.#claims.take(message)
    const own = ownDate(message.header, this.#settings.date, date)
    const { suspects } = this.#context
    if (claimed) {
      suspects.acquit(key)
      return { ...this.#claimed(message, claimed, dateless), date: own }
    }
    this.#requireFitting(message)
    const at = { uploads: this.#uploads, capabilities: this.#client.capabilities }
    const { answer, form } = await suspects.send(key, async () => store(message, date, at))
    if (!answer.response.ok) throw suspects.refused(key, this.#refusal(answer))
    this.#refusals = 0
    const { uid, uidValidity } = answer
    this.#watch.stored(uidValidity)
    const merged = uid !== undefined && this.#seen.isOld(uid)
    this.#strangers.note(uid)
    this.#uidNext = Math.max(this.#uidNext, (uid ?? 0) + 1)
    if (this.#claims.hasAnnounced(key)) await this.#late.doubt(message, uid, this.#context.clock.now())
    else this.#late.note(uid, form?.sha256 ?? sha256)
    const flags = [
      ...dateless,
      ...(form ? (['lossy-form'] as const) : []),
      ...(merged ? (['merged-by-target'] as const) : []),
    ]
    const where = await this.#where(message, uid)
    return { key, sha256, size, where, flags, date: own, ...(form && { stored: form.sha256 }) }
  }

  /** A copy that the server has changed proves itself by its own digest; one of other bytes is what was stored then. */
  #claimed(message: Message, copy: Copy, flags: readonly Flag[]): Receipt {
    const { key, sha256, size } = message
    this.#late.note(copy.uid, copy.sha256)
    const where = whereText({ uidValidity: this.#mailbox.uidValidity, uid: copy.uid })
    if (copy.sha256 === sha256) return { key, sha256, size, where, flags }
    if (this.#claims.wasAnnounced(key, copy.sha256))
      return { key, sha256: copy.sha256, size: copy.size, where, flags: [] }
    return { key, sha256, size, where, flags: [...flags, 'lossy-form'], stored: copy.sha256 }
  }

  /** What the server answered OK is durable. */
  async commit(): Promise<Position> {
    this.#uidNext = Math.max(this.#uidNext, await this.#watch.committing())
    this.#strangers.committed(this.#uidNext)
    this.#context.suspects.committed()
    return this.position
  }

  /** At the end: has a lost session stored something after all? (QUIRKS APP-01) */
  async *seal(last: boolean): AsyncIterable<Sealed> {
    if (!last) return
    this.#uidNext = Math.max(this.#uidNext, await this.#watch.ending())
    const before = this.position
    const late = await this.#late.find(this.#client.dialogue, this.#neighbours)
    const removable = late.flatMap(({ doubt, uid }) =>
      doubt.uid === undefined ? [] : [{ doubt, remove: doubt.uid, keep: uid }],
    )
    if (removable.length > 0) {
      const { uidValidity } = this.#mailbox
      for (const { keep } of removable) this.#claims.drop(keep)
      this.#late.removing = removable.map(({ remove, keep }) => ({ remove, keep }))
      const moved = removable.map(({ doubt: { key, loose }, keep }) => {
        return { key, where: whereText({ uidValidity, uid: keep, loose }) }
      })
      // What stands there late is the copy of record from now on: of the other we know for certain that it is ours.
      yield { position: this.position, moved }
    }
    const removed = await this.#finishRemoval()
    const twice = late.length - removed + this.#claims.takeSurplus()
    this.#late.forget(this.#context.clock.now(), forgottenAfter * this.#context.settleMs)
    if (this.position !== before) yield { position: this.position }
    if (twice > 0) {
      const words = `a lost session stored ${twice} of its messages late: they stand in ${this.#settings.folder} twice`
      throw this.#client.dialogue.wire.connection.fault('duplicated', words)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#uploads.close()
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
    if (uid === undefined) return whereByDigest((await fingerprint(message)).loose)
    const plain = await isPlain(message)
    const rewrites = await this.#fidelity.judge(this.#client.dialogue, { message, uid, plain })
    if (plain && !rewrites) return whereText({ uidValidity, uid })
    const { loose, body } = await fingerprint(message)
    return whereText({ uidValidity, uid, loose, ...(rewrites && { body }) })
  }

  /** Removes the copies whose places others have taken in the ledger; says how many. */
  async #finishRemoval(): Promise<number> {
    const { removing } = this.#late
    if (removing.length === 0) return 0
    const { dialogue, capabilities } = this.#client
    const standing = new Set((await listFrom(dialogue, 1)).map(({ uid }) => uid))
    const due = removing.filter(({ remove, keep }) => standing.has(remove) && standing.has(keep))
    const uids = due.map(({ remove }) => remove)
    const done = due.length > 0 && capabilities.has('UIDPLUS') && (await removeByUid(dialogue, uids))
    this.#late.removing = []
    if (!done) return 0
    this.#context.warn(
      'late-copies',
      `a lost session had stored ${due.length} of its messages late; each is there once`,
    )
    return due.length
  }
}

interface WriterParts {
  readonly settings: ImapSettings
  readonly context: ImapWriterContext
  readonly progress: Progress
  readonly client: ImapClient
  readonly mailbox: Mailbox
  readonly room: Room
  readonly uploads: Uploads
  /** Where the lane stood, unless the folder has been made anew since. */
  readonly before: Standing | undefined
  /** What lost sessions left, the first UID behind that, and who else stores here. */
  readonly found: { readonly copies: readonly Copy[]; readonly next: number; readonly neighbours: Neighbours }
}
