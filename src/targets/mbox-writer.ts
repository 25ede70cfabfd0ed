import { type FileHandle, lstat, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import pLimit from 'p-limit'
import { diskFault, errorCode, makeDirectory } from '../files/durable.js'
import { type Lock, takeLock } from '../files/lock.js'
import { resolveOwner } from '../files/owner.js'
import { canonicalPath } from '../files/place.js'
import { newlineBytes } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { Message, MessageKey } from '../ports/message.js'
import type { Position, Progress, Receipt, Writer } from '../ports/target.js'
import { type Encoding, encode } from './mbox-encoding.js'
import { MboxFile } from './mbox-file.js'
import type { MboxSettings } from './mbox-settings.js'
import { Strangers } from './mbox-strangers.js'
import { MboxTail } from './mbox-tail.js'

/** A position: which file, and how long it was when everything in it was accounted for. */
interface Standing {
  readonly path: string
  readonly size: number
  readonly dev: number
  readonly ino: number
}

/**
 * Appends messages to an mbox. After a crash the tail beyond the position is matched against the announced messages:
 * what stands there complete is claimed, a fragment is cut once the message it belongs to has been fetched again and
 * proves it, anything else stays (ARCHITECTURE, "The one loop").
 */
export class MboxWriter implements Writer {
  readonly #settings: MboxSettings
  readonly #context: TargetContext
  readonly #file: MboxFile
  readonly #path: string
  readonly #lock: Lock
  readonly #inTurn = pLimit(1)
  /** Announced and not appended yet, in order. */
  readonly #unresolved: Set<MessageKey>
  #tail: { readonly tail: MboxTail; readonly file: FileHandle } | undefined
  #strangers: Strangers | undefined
  #claimed = false

  static async open(settings: MboxSettings, context: TargetContext, progress: Progress): Promise<MboxWriter> {
    const path = canonicalPath(settings.path)
    const before = progress.position === undefined ? undefined : (JSON.parse(progress.position) as Standing)
    if (context.series === undefined && progress.receipts > 0) await requirePresent(path, before)
    const owner = await resolveOwner(settings.owner)
    await makeDirectory(dirname(path), 0o700)
    const lockPath = join(dirname(path), `.${basename(path)}.popferry.lock`)
    const lock = await takeLock(lockPath, { run: context.run, what: `the mbox ${path}` })
    try {
      const { run } = context
      const mode = Number.parseInt(settings.mode, 8)
      const newline = newlineBytes(settings.newline)
      const file = await MboxFile.open({ path, mode, owner, newline, run, clock: context.clock })
      const writer = new MboxWriter({ settings, context, progress, file, path, lock })
      await writer.#look(before)
      return writer
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(parts: WriterParts) {
    this.#settings = parts.settings
    this.#context = parts.context
    this.#file = parts.file
    this.#path = parts.path
    this.#lock = parts.lock
    this.#unresolved = new Set(parts.progress.announced.map(({ key }) => key))
  }

  /** While messages are unresolved, the tail they may stand in stays beyond the position. */
  get position(): Position {
    const { dev, ino, end } = this.#file
    const { tail } = this.#tail ?? {}
    if (tail && tail.path !== this.#path) return JSON.stringify({ path: tail.path, size: tail.cursor }) as Position
    return JSON.stringify({ path: this.#path, size: tail?.cursor ?? end, dev, ino } satisfies Standing) as Position
  }

  async append(message: Message): Promise<Receipt> {
    return this.#inTurn(async () => {
      try {
        return await this.#store(message)
      } catch (error) {
        throw diskFault(error, 'append to', this.#path)
      }
    })
  }

  async commit(): Promise<Position> {
    try {
      await this.#file.commit()
      if (this.#claimed) await this.#tail?.file.datasync()
      this.#claimed = false
      if (this.#unresolved.size === 0) await this.#dropTail()
      return this.position
    } catch (error) {
      throw diskFault(error, 'sync', this.#path)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dropTail()
    await this.#file.close()
    await this.#lock.release()
  }

  async #store(message: Message): Promise<Receipt> {
    const { variant, newline, date } = this.#settings
    const encoding = await encode(message, { variant, newline }, date, this.#context.clock.now())
    this.#strangers?.refuse(message)
    const { key, sha256, size } = message
    const { path, offset } = await this.#place(key, encoding)
    const where = `${offset}+${encoding.length}${this.#context.series === undefined ? '' : ` ${path}`}`
    const { flags, stored } = encoding
    return { key, sha256, size, where, flags, ...(stored !== undefined && { stored }) }
  }

  /** Claims the message's earlier copy, or writes it. */
  async #place(key: MessageKey, encoding: Encoding): Promise<{ readonly path: string; readonly offset: number }> {
    const [first] = this.#unresolved
    const announced = this.#unresolved.has(key)
    const found = await this.#tail?.tail.find(encoding, announced)
    if (this.#tail && found?.kind === 'complete') {
      this.#unresolved.delete(key)
      this.#claimed = true
      return { path: this.#tail.tail.path, offset: found.offset }
    }
    if (this.#tail && found?.kind === 'fragment') await this.#cut(this.#tail, found.offset)
    // An announced message that never came could be what stands there unclaimed.
    else if (first !== undefined && first !== key) this.#tail?.tail.requireResolved()
    // The dead run wrote in announced order: what comes behind a message that it did not finish, it never wrote.
    this.#unresolved.clear()
    await this.#dropTail()
    return { path: this.#path, offset: await this.#file.append(parts(encoding)) }
  }

  async #cut({ tail, file }: { tail: MboxTail; file: FileHandle }, offset: number): Promise<void> {
    if (tail.path === this.#path) {
      await this.#file.cut(offset)
    } else {
      await file.truncate(offset)
      await file.datasync()
    }
  }

  async #dropTail(): Promise<void> {
    const dropped = this.#tail
    this.#tail = undefined
    if (dropped && dropped.file !== this.#file.handle) await dropped.file.close()
  }

  async #look(before: Standing | undefined): Promise<void> {
    if (before === undefined && this.#file.end > 0) {
      const { variant, newline } = this.#settings
      this.#strangers = await Strangers.in(this.#file.handle, this.#path, { variant, newline })
    }
    if (before === undefined || this.#unresolved.size === 0) return
    const elsewhere = this.#context.series !== undefined && before.path !== this.#path
    const file = elsewhere ? await open(before.path, 'r+').catch(ignoreMissing) : this.#file.handle
    if (!file) return
    this.#tail = { file, tail: await MboxTail.scan(file, elsewhere ? before.path : this.#path, before.size) }
  }
}

interface WriterParts {
  readonly settings: MboxSettings
  readonly context: TargetContext
  readonly progress: Progress
  readonly file: MboxFile
  readonly path: string
  readonly lock: Lock
}

async function* parts(encoding: Encoding): AsyncIterable<Uint8Array> {
  yield encoding.fromStart
  yield encoding.fromEnd
  yield* encoding.rest()
}

/** A lane with receipts must find its file as it left it, or grown (CONTRACT, `target-gone`; QUIRKS MBX-08). */
async function requirePresent(path: string, before: Standing | undefined): Promise<void> {
  const now = await lstat(path).catch(ignoreMissing)
  if (!now) throw new Fault('target-gone', `${path} is not there any more`)
  if (now.size === 0) throw new Fault('target-gone', `${path} is empty, although messages were delivered there`)
  // A file that the plan says was moved is another one now.
  const moved = before?.path !== path
  if (!moved && now.dev !== before.dev) throw new Fault('target-gone', `${path} is on another device than before`)
  if ((!moved && now.ino !== before.ino) || now.size < (before?.size ?? 0)) {
    throw new Fault('mbox-changed', `${path} was rewritten by another program since the last run`)
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error
}
