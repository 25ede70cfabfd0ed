import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import pLimit from 'p-limit'
import { diskFault, errorCode } from '../files/durable.js'
import { type Lock, takeLock } from '../files/lock.js'
import { makeOwnedDirectory, resolveOwner } from '../files/owner.js'
import { canonicalPath } from '../files/place.js'
import { type MboxForm, newlineBytes } from '../mail/mbox.js'
import { Fault } from '../ports/fault.js'
import type { TargetContext } from '../ports/kind.js'
import type { Message } from '../ports/message.js'
import type { Announced, Position, Progress, Receipt, Writer } from '../ports/target.js'
import { type Encoding, encode } from './mbox-encoding.js'
import { MboxFile, type MboxFileOptions } from './mbox-file.js'
import type { MboxSettings } from './mbox-settings.js'
import { Strangers } from './mbox-strangers.js'
import { MboxTail } from './mbox-tail.js'

/** A position: which file, and how long it was when everything in it was accounted for. */
interface Standing {
  readonly path: string
  readonly size: number
  readonly dev: number
  readonly ino: number
  /** Announced by a dead run and not accounted for: they may stand beyond `size`, in whole or in part. */
  readonly owed?: readonly Announced[]
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
  readonly #lock: Lock
  readonly #inTurn = pLimit(1)
  #tail: { readonly tail: MboxTail; readonly file: MboxFile } | undefined
  #strangers: Strangers | undefined

  static async open(settings: MboxSettings, context: TargetContext, progress: Progress): Promise<MboxWriter> {
    const path = canonicalPath(settings.path)
    const before = progress.position === undefined ? undefined : (JSON.parse(progress.position) as Standing)
    if (context.series === undefined && progress.receipts > 0) await requirePresent(path, before)
    const owner = await resolveOwner(settings.owner)
    await makeOwnedDirectory(dirname(path), owner)
    const lockPath = join(dirname(path), `.${basename(path)}.popferry.lock`)
    const lock = await takeLock(lockPath, { run: context.run, what: `the mbox ${path}` })
    let writer: MboxWriter | undefined
    try {
      const { run, clock } = context
      const options = {
        mode: Number.parseInt(settings.mode, 8),
        owner,
        newline: newlineBytes(settings.newline),
        run,
        clock,
      }
      writer = new MboxWriter({ settings, context, file: await MboxFile.open({ path, ...options }), lock })
      await writer.#look(progress, before, options)
      return writer
    } catch (error) {
      await (writer ?? lock)[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(parts: WriterParts) {
    this.#settings = parts.settings
    this.#context = parts.context
    this.#file = parts.file
    this.#lock = parts.lock
  }

  /** While announced messages are unresolved, the tail they may stand in stays beyond the position. */
  get position(): Position {
    const { file, tail } = this.#tail ?? { file: this.#file, tail: undefined }
    const { path, dev, ino } = file
    const standing: Standing = {
      path,
      size: tail?.cursor ?? file.end,
      dev,
      ino,
      ...(tail && { owed: tail.unresolved }),
    }
    return JSON.stringify(standing) as Position
  }

  async append(message: Message): Promise<Receipt> {
    return this.#inTurn(async () => {
      try {
        return await this.#store(message)
      } catch (error) {
        throw diskFault(error, 'append to', this.#file.path)
      }
    })
  }

  async commit(): Promise<Position> {
    try {
      await this.#file.commit()
      if (this.#tail?.file !== this.#file) await this.#tail?.file.commit()
      if (this.#tail?.tail.unresolved.length === 0) await this.#dropTail()
      return this.position
    } catch (error) {
      throw diskFault(error, 'sync', this.#file.path)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#tail?.file !== this.#file) await this.#tail?.file.close()
    await this.#file.close()
    await this.#lock.release()
  }

  async #store(message: Message): Promise<Receipt> {
    const { date } = this.#settings
    const encoding = await encode(message, this.#form, date, this.#context.clock.now())
    this.#strangers?.refuse(message)
    const { key, sha256, size } = message
    const { flags, stored, length } = encoding
    const facts = { key, sha256, size, flags, ...(stored !== undefined && { stored }) }
    const found = await this.#tail?.tail.find(message, encoding)
    if (this.#tail && found?.kind === 'complete') {
      const where = this.#where(this.#tail.file, found)
      return found.earlier ? { key, ...found.earlier, where } : { ...facts, where }
    }
    if (this.#tail && found?.kind === 'fragment') await this.#tail.file.cut(found.offset, this.#tail.tail.end)
    await this.#dropTail()
    const offset = await this.#file.append(parts(encoding))
    return { ...facts, where: this.#where(this.#file, { offset, length }) }
  }

  #where({ path }: MboxFile, { offset, length }: { readonly offset: number; readonly length: number }): string {
    return `${offset}+${length}${this.#context.series === undefined ? '' : ` ${path}`}`
  }

  get #form(): MboxForm {
    const { variant, newline } = this.#settings
    return { variant, newline }
  }

  /** Nothing more is looked for there; what was claimed in an earlier file of a series is made durable first. */
  async #dropTail(): Promise<void> {
    if (this.#tail && this.#tail.file !== this.#file) {
      await this.#tail.file.commit()
      await this.#tail.file.close()
    }
    this.#tail = undefined
  }

  async #look(progress: Progress, before: Standing | undefined, options: Omit<MboxFileOptions, 'path'>): Promise<void> {
    if (before === undefined && this.#file.end > 0) {
      this.#strangers = await Strangers.in(this.#file.handle, this.#file.path, this.#form)
    }
    const owed = before?.owed ?? []
    const isOwed = (one: Announced): boolean => owed.some(({ key, sha256 }) => key === one.key && sha256 === one.sha256)
    const announced = [...owed, ...progress.announced.filter((one) => !isOwed(one))]
    if (before === undefined || announced.length === 0) return
    const elsewhere = this.#context.series !== undefined && before.path !== this.#file.path
    if (elsewhere && !(await lstat(before.path).catch(ignoreMissing))) return
    const file = elsewhere ? await MboxFile.open({ path: before.path, ...options }) : this.#file
    const span = { path: file.path, from: before.size }
    this.#tail = { file, tail: await MboxTail.scan(file.handle, span, { form: this.#form, announced }) }
  }
}

interface WriterParts {
  readonly settings: MboxSettings
  readonly context: TargetContext
  readonly file: MboxFile
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
