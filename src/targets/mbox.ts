import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { diskFault, errorCode } from '../files/durable.js'
import { canonicalPath } from '../files/place.js'
import { MboxDecoder } from '../mail/mbox.js'
import { defineKind, type TargetContext, type TargetKind } from '../ports/kind.js'
import type { Lane, Progress, ReadBack, Receipt, Target, Writer } from '../ports/target.js'
import { type MboxSettings, mboxSettings } from './mbox-settings.js'
import { skipLines } from './mbox-scan.js'
import { MboxWriter } from './mbox-writer.js'

/** One mbox file. */
export const mbox: TargetKind = defineKind({
  type: 'mbox',
  settings: mboxSettings,
  fields: [{ key: 'path', form: 'template-path' }],
  create: (chosen: MboxSettings, context: TargetContext) => new MboxTarget(chosen, context),
})

class MboxTarget implements Target {
  readonly shareable = false
  readonly place: string
  readonly #settings: MboxSettings
  readonly #context: TargetContext

  constructor(chosen: MboxSettings, context: TargetContext) {
    this.#settings = chosen
    this.#context = context
    this.place = `mbox:${context.series ?? canonicalPath(chosen.path)}`
  }

  async open(_: Lane, progress: Progress): Promise<Writer> {
    try {
      return await MboxWriter.open(this.#settings, this.#context, progress)
    } catch (error) {
      throw diskFault(error, 'use the mbox', this.#settings.path)
    }
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    let current: { readonly path: string; readonly file: FileHandle | undefined } | undefined
    try {
      for await (const receipt of receipts) {
        const place = parsePlace(receipt.where, canonicalPath(this.#settings.path))
        if (current?.path !== place.path) {
          await current?.file?.close()
          current = { path: place.path, file: await open(place.path, 'r').catch(ignoreMissing) }
        }
        const state = current.file ? await this.#compare(current.file, place, receipt) : 'missing'
        yield { key: receipt.key, state }
      }
    } finally {
      await current?.file?.close()
    }
  }

  async #compare(file: FileHandle, place: Place, receipt: Receipt): Promise<ReadBack['state']> {
    const { variant, newline } = this.#settings
    const { size } = await file.stat()
    const end = place.offset + place.length
    if (size < end) return 'missing'
    const start = await skipLines(file, place.offset, variant === 'mboxcl2' ? 2 : 1)
    const decoder = new MboxDecoder({ variant, newline }, receipt.flags.includes('newline-added'))
    const hash = createHash('sha256')
    if (start < end) {
      const stream = createReadStream(place.path, { start, end: end - 1 })
      for await (const chunk of stream) {
        const bytes = chunk as Uint8Array
        hash.update(receipt.stored === undefined ? decoder.push(bytes) : bytes)
      }
    }
    if (receipt.stored === undefined) hash.update(decoder.end())
    return hash.digest('hex') === (receipt.stored ?? receipt.sha256) ? 'intact' : 'altered'
  }
}

interface Place {
  readonly path: string
  readonly offset: number
  readonly length: number
}

/** `<offset>+<length>`, and in a series the path behind a blank. */
function parsePlace(where: string, path: string): Place {
  const match = /^(\d+)\+(\d+)(?: (.*))?$/s.exec(where)
  return { path: match?.[3] ?? path, offset: Number(match?.[1]), length: Number(match?.[2]) }
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}
