import { basename, dirname, join } from 'node:path'
import pLimit from 'p-limit'
import { diskFault } from '../files/durable.js'
import { type Lock, takeLock } from '../files/lock.js'
import { makeOwnedDirectory, resolveOwner } from '../files/owner.js'
import { canonicalPath } from '../files/place.js'
import { type MboxForm, newlineBytes } from '../mail/mbox.js'
import type { TargetContext } from '../ports/kind.js'
import type { Message } from '../ports/message.js'
import type { Position, Progress, Receipt, Writer } from '../ports/target.js'
import { type Encoding, encode } from './mbox-encoding.js'
import { MboxFile } from './mbox-file.js'
import type { MboxSettings } from './mbox-settings.js'
import { MboxRemains } from './mbox-remains.js'
import { parseStanding, requirePresent, type Standing } from './mbox-standing.js'
import { Strangers } from './mbox-strangers.js'

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
  readonly #form: MboxForm
  readonly #inTurn = pLimit(1)
  readonly #remains: MboxRemains
  readonly #strangers: Strangers

  static async open(
    settings: MboxSettings,
    context: TargetContext,
    progress: Progress,
    gotOn?: () => void,
  ): Promise<MboxWriter> {
    const path = canonicalPath(settings.path)
    const before = parseStanding(progress.position)
    if (context.series === undefined && progress.receipts > 0) await requirePresent(path, before)
    const owner = await resolveOwner(settings.owner)
    await makeOwnedDirectory(dirname(path), owner)
    const lockPath = join(dirname(path), `.${basename(path)}.popferry.lock`)
    const lock = await takeLock(lockPath, { run: context.run, what: `the mbox ${path}` })
    let file: MboxFile | undefined
    try {
      const { run, clock } = context
      const options = {
        mode: Number.parseInt(settings.mode, 8),
        owner,
        newline: newlineBytes(settings.newline),
        run,
        clock,
      }
      const form = { variant: settings.variant, newline: settings.newline }
      file = await MboxFile.open({ path, ...options })
      const looking = { form, gotOn }
      const strangers = new Strangers({
        file: file.handle,
        path,
        end: file.end,
        ...looking,
        progress,
        standing: before,
      })
      const series = context.series !== undefined
      const remains = await MboxRemains.in(file, { before, announced: progress.announced, ...looking, series, options })
      return new MboxWriter({ settings, context, file, lock, form, remains, strangers })
    } catch (error) {
      await file?.close()
      await lock.release()
      throw error
    }
  }

  private constructor(parts: WriterParts) {
    this.#settings = parts.settings
    this.#context = parts.context
    this.#file = parts.file
    this.#lock = parts.lock
    this.#form = parts.form
    this.#remains = parts.remains
    this.#strangers = parts.strangers
  }

  get position(): Position {
    const { before } = this.#strangers
    const standing: Standing = { ...this.#remains.remnant, ...(before !== undefined && { before }) }
    return JSON.stringify(standing) as Position
  }

  async admit(messages: readonly Message[]): Promise<void> {
    try {
      await this.#strangers.refuse(messages)
    } catch (error) {
      throw diskFault(error, 'read', this.#file.path)
    }
    this.#remains.admit(messages)
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
      await this.#remains.commit()
      return this.position
    } catch (error) {
      throw diskFault(error, 'sync', this.#file.path)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remains.close()
    await this.#file.close()
    await this.#lock.release()
  }

  async #store(message: Message): Promise<Receipt> {
    const { date } = this.#settings
    const encoding = await encode(message, this.#form, date, this.#context.clock.now())
    const { key, sha256, size } = message
    const { flags, stored, length, date: own } = encoding
    const facts = { key, sha256, size, flags, date: own, ...(stored !== undefined && { stored }) }
    const found = await this.#remains.claim(message, encoding)
    if (found) {
      if (found.path === this.#file.path) this.#file.claim(found)
      const where = this.#where(found.path, found)
      return found.earlier ? { key, ...found.earlier, where } : { ...facts, where }
    }
    const offset = await this.#file.append(parts(encoding))
    return { ...facts, where: this.#where(this.#file.path, { offset, length }) }
  }

  #where(path: string, { offset, length }: { readonly offset: number; readonly length: number }): string {
    return `${offset}+${length}${this.#context.series === undefined ? '' : ` ${path}`}`
  }
}

interface WriterParts {
  readonly settings: MboxSettings
  readonly context: TargetContext
  readonly file: MboxFile
  readonly lock: Lock
  readonly form: MboxForm
  readonly remains: MboxRemains
  readonly strangers: Strangers
}

async function* parts(encoding: Encoding): AsyncIterable<Uint8Array> {
  yield encoding.fromStart
  yield encoding.fromEnd
  yield* encoding.rest()
}
