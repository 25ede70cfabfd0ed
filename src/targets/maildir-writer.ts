import { readdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Arena } from '../files/arena.js'
import { createStreamedFile } from '../files/create-file.js'
import { diskFault, errorCode, syncDirectory } from '../files/durable.js'
import { type FilledFile, FileMaker } from '../files/file-maker.js'
import { type Lock, takeLock } from '../files/lock.js'
import { type Owner, resolveOwner } from '../files/owner.js'
import { canonicalFolder, folderIdentity } from '../files/place.js'
import { ownDate, ruleDate } from '../mail/date.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { Flag, Message } from '../ports/message.js'
import type { Position, Progress, Receipt, Writer } from '../ports/target.js'
import { Accounts, basesOf } from './maildir-accounts.js'
import { Claims } from './maildir-claims.js'
import {
  gone,
  messageFiles,
  prepareMaildir,
  requirePresent,
  type Standing,
  standingIn,
  subfolder,
} from './maildir-folder.js'
import { digest, type StoredForm, storedForm } from './maildir-form.js'
import { accountOf, accountPart, uniqueOf, uniquePart } from './maildir-name.js'
import type { MaildirSettings } from './maildir-settings.js'

/** Files at work at once: enough that their syncs share the disk's journal commits, not too many open ones. */
const groupSize = 128
/** More than most groups need. */
const arenaOctets = 2 * 1024 * 1024

/** How many of a run's first messages are looked for among what is already there (`ledger-missing`). */
const probes = 20

/**
 * Stores messages as files: written and synced in tmp/, renamed, and at commit their folder is synced. The name is made
 * from the account, the key and the digest, so that a later run finds a copy whose receipt was never written
 * (QUIRKS MDR-04); as the key is in it, no other receipt can hold that file.
 */
export class MaildirWriter implements Writer {
  readonly #settings: MaildirSettings
  readonly #context: TargetContext
  readonly #progress: Progress
  readonly #standing: Standing
  readonly #owner: Owner | undefined
  readonly #lock: Lock
  readonly #maker = new FileMaker()
  /** For what the group at work stores. */
  readonly #arena = new Arena(arenaOctets)
  /** Appended and not yet at work, in announced order. */
  #queue: Task[] = []
  #working = false
  readonly #claims: Claims
  /** Whose names were given before this run; those of receipts among them hold keys that are never offered again. */
  #given: Promise<Accounts> | undefined
  readonly #gotOn: () => void
  #probesLeft: number
  /** Folders whose entries changed since the last commit. */
  readonly #touched = new Set<string>()

  static async open(
    settings: MaildirSettings,
    context: TargetContext,
    progress: Progress,
    gotOn: () => void,
  ): Promise<MaildirWriter> {
    const root = canonicalFolder(settings.path)
    const standing = standingIn(progress)
    if (context.series === undefined && progress.receipts > 0) {
      await requirePresent(subfolder(root, settings.folder), progress)
    }
    const owner = await resolveOwner(settings.owner)
    const path = await prepareMaildir(root, settings.folder, owner)
    const lock = await takeLock(join(path, 'popferry.lock'), { run: context.run, what: `the Maildir ${path}` })
    try {
      const identity = await folderIdentity(path)
      if (!identity) throw gone(path)
      const where = { path, ...identity }
      const writer = new MaildirWriter({ settings, context, progress, owner, lock, standing: where, gotOn })
      await writer.#look(standing)
      return writer
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(parts: WriterParts) {
    this.#settings = parts.settings
    this.#context = parts.context
    this.#progress = parts.progress
    this.#standing = parts.standing
    this.#owner = parts.owner
    this.#lock = parts.lock
    this.#gotOn = parts.gotOn
    this.#claims = new Claims(parts.settings.newline)
    this.#probesLeft = parts.progress.adopting ? 0 : probes
  }

  get position(): Position {
    return JSON.stringify(this.#standing) as Position
  }

  async admit(messages: readonly Message[]): Promise<void> {
    const probed = messages.slice(0, this.#probesLeft)
    if (probed.length === 0) return
    const { origin, announced } = this.#progress
    const { path } = this.#standing
    try {
      const given = await this.#namesGiven()
      const begun = new Set(announced.map(({ key }) => key))
      const fresh = probed.filter(({ key }) => !begun.has(key)).map((message) => uniqueOf(origin, message))
      const near = new Set(fresh.filter((unique) => given.mayHave(accountOf(unique))))
      if ((await basesOf(path, near)).size > 0) {
        throw new Fault('ledger-missing', `${path} already holds messages of this account`)
      }
    } catch (error) {
      throw this.#fault(error, 'look through')
    }
    this.#probesLeft -= probed.length
  }

  async append(message: Message): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject })
      if (!this.#working) void this.#work()
    })
  }

  async commit(): Promise<Position> {
    const { path, dev, ino } = this.#standing
    try {
      await Promise.all([...this.#touched].map(syncDirectory))
      const identity = await folderIdentity(path)
      if (identity?.dev !== dev || identity.ino !== ino) throw gone(path)
    } catch (error) {
      throw this.#fault(error, 'sync')
    }
    this.#touched.clear()
    return this.position
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock.release()
  }

  async #work(): Promise<void> {
    this.#working = true
    // Until the whole batch has been appended.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#store(this.#queue.splice(0, groupSize))
    this.#working = false
  }

  async #store(tasks: readonly Task[]): Promise<void> {
    this.#arena.clear()
    const prepared = await Promise.all(tasks.map(async (task) => this.#prepare(task)))
    const files = prepared.filter((one) => one !== undefined)
    const errors = await this.#maker.make(files.map(({ file }) => file))
    for (const [index, { task, receipt }] of files.entries()) {
      const error = errors[index]
      if (error) task.reject(this.#storeFault(error))
      else task.resolve(receipt)
    }
  }

  /** The file that has yet to be made; undefined where the task is settled. */
  async #prepare(task: Task): Promise<Prepared | undefined> {
    try {
      const { receipt, file } = await this.#settleOrMake(task.message)
      if (file) return { task, receipt, file }
      task.resolve(receipt)
    } catch (error) {
      task.reject(this.#storeFault(error))
    }
    return undefined
  }

  /** The message's receipt, and its file if that has yet to be made. */
  async #settleOrMake(
    message: Message,
  ): Promise<{ readonly receipt: Receipt; readonly file?: FilledFile | undefined }> {
    const { origin } = this.#progress
    const form = await storedForm(message, this.#settings.newline, this.#arena.allocate)
    const { key, sha256, size } = message
    const date = ruleDate(message.header, this.#settings.date, this.#context.clock.now())
    const flags: Flag[] = [...(date === undefined ? ['date-missing' as const] : []), ...form.flags]
    const own = ownDate(message.header, this.#settings.date, date)
    const facts = { key, sha256, size, flags, date: own, ...(form.lossy && { stored: await digest(form.chunks()) }) }
    const unique = uniqueOf(origin, message)
    const claimed = await this.#claims.take(accountOf(unique), form)
    if (claimed) {
      this.#touched.add(dirname(claimed.path))
      const where = this.#where(dirname(dirname(claimed.path)), claimed.path)
      return { receipt: { ...facts, ...claimed.earlier, where } }
    }
    const base = await this.#freeName(Math.floor((date ?? 0) / 1000), unique)
    const file = await this.#file(base, form, date ?? 0)
    return { receipt: { ...facts, where: this.#where(this.#standing.path, base) }, file }
  }

  /** Somebody may have changed the file that has this message's name; it stays. */
  async #freeName(seconds: number, unique: string): Promise<string> {
    let name = `${seconds}.${unique}.popferry`
    // While the ledger is rebuilt: perhaps it was not given to what was stored then.
    const given = this.#progress.adopting ? await this.#namesGiven() : undefined
    if (!given?.mayHave(accountOf(unique))) return name
    const taken = await basesOf(this.#standing.path, new Set([unique]))
    for (let next = seconds + 1; taken.has(name); next++) name = `${next}.${unique}.popferry`
    return name
  }

  #where(folder: string, file: string): string {
    const base = basename(file).split(':', 1)[0] ?? file
    return this.#context.series === undefined ? base : `${folder}/${base}`
  }

  /** The file to make; a message that is not in memory is stored at once. */
  async #file(base: string, form: StoredForm, mtime: number): Promise<FilledFile | undefined> {
    const { path } = this.#standing
    const { seen, mode } = this.#settings
    const folder = join(path, seen ? 'cur' : 'new')
    this.#touched.add(folder)
    const draft = join(path, 'tmp', base)
    // The name holds key and digest: what could stand there already is this very message.
    const place = join(folder, seen ? `${base}:2,S` : base)
    const file = { draft, place, mode: Number.parseInt(mode, 8), mtime, owner: this.#owner }
    if (form.bytes) return { ...file, bytes: form.bytes }
    await createStreamedFile(file, form.chunks())
    return undefined
  }

  /** Each message has a file of its own: what one is too large for, others are not. */
  #storeFault(error: unknown): Fault {
    const fault = this.#fault(error, 'store a message in')
    return fault.code === 'file-full' ? new Fault('too-big', fault.message, { cause: error }) : fault
  }

  #fault(error: unknown, action: string): Fault {
    const { path } = this.#standing
    return errorCode(error) === 'ENOENT' ? gone(path) : diskFault(error, action, path)
  }

  async #namesGiven(): Promise<Accounts> {
    return (this.#given ??= Accounts.in(this.#standing.path, this.#gotOn))
  }

  /** Looks for what a dead run may have left, and removes its half-written files. */
  async #look(before: Standing | undefined): Promise<void> {
    const { announced, origin, adopting } = this.#progress
    const announcedParts = new Set(announced.map(({ key }) => accountPart(origin, key)))
    if (!adopting && announced.length === 0) return
    const { path: here } = this.#standing
    // A dead run may have moved files there that its commit has not made durable.
    if (adopting) for (const part of ['new', 'cur']) this.#touched.add(join(here, part))
    // What stands elsewhere belongs to the lane only in a series.
    for (const folder of new Set([this.#context.series === undefined ? here : (before?.path ?? here), here])) {
      for await (const { name, path } of messageFiles(folder)) {
        const unique = uniquePart(name)
        const account = accountOf(unique)
        if (announcedParts.has(account)) this.#claims.add(account, path)
      }
      const drafts = await readdir(join(folder, 'tmp')).catch(() => [])
      const ours = drafts.filter((name) => announcedParts.has(accountOf(uniquePart(name))))
      await Promise.all(ours.map(async (name) => unlink(join(folder, 'tmp', name))))
    }
  }
}

/** One message that was appended. */
interface Task {
  readonly message: Message
  resolve(receipt: Receipt): void
  reject(fault: Fault): void
}

interface Prepared {
  readonly task: Task
  readonly receipt: Receipt
  readonly file: FilledFile
}

interface WriterParts {
  readonly settings: MaildirSettings
  readonly context: TargetContext
  readonly progress: Progress
  readonly standing: Standing
  readonly owner: Owner | undefined
  readonly lock: Lock
  readonly gotOn: () => void
}
