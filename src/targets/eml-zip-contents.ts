import type { AttachmentReader, Attachments } from '../mail/attachments.js'
import { MimeStructure } from '../mail/structure.js'
import { headerText } from '../mail/words.js'
import { Index } from './eml-zip-index.js'
import { manifestHead, manifestLine } from './eml-zip-manifest.js'
import type { ContentsName } from './eml-zip-name.js'
import type { Staged } from './eml-zip-record.js'

/** A file of the volume that is no message. */
export interface ContentsFile {
  readonly name: ContentsName
  readonly bytes: Buffer
  /** ms since 1970; of the last message that was copied, so that a volume that is built twice is the same. */
  readonly date: number
}

/** What is in a volume, for programs and for people. Nothing in it depends on when and how often it is made. */
export class Contents {
  readonly #reader: AttachmentReader
  readonly #index: Index
  readonly #lines = [manifestHead]
  readonly #pending = new Set<Promise<void>>()
  #copied = 0

  /** `title`: of the page. */
  constructor(title: string, reader: AttachmentReader) {
    this.#reader = reader
    this.#index = new Index(title)
  }

  /** The next message; its octets must all be shown to the result, and then its end. */
  message(staged: Staged): Sight {
    return new Sight((header, structure) => this.#add(staged, header, structure))
  }

  async files(): Promise<readonly ContentsFile[]> {
    await Promise.all(this.#pending)
    const date = this.#copied
    return [
      { name: 'manifest.csv', bytes: Buffer.from(this.#lines.join('')), date },
      { name: 'index.html', bytes: this.#index.page(), date },
    ]
  }

  async #add(staged: Staged, header: Uint8Array, structure: MimeStructure): Promise<void> {
    this.#copied = Math.max(this.#copied, staged.at)
    this.#lines.push(manifestLine(staged))
    const [from, to, subject] = ['from', 'to', 'subject'].map((name) => headerText(header, name))
    const place = this.#index.reserve()
    const added = this.#reader.read(structure).then((attachments: Attachments) => {
      this.#index.add(place, { ...staged, from, to, subject, attachments })
      this.#pending.delete(added)
    })
    this.#pending.add(added)
    // What waits for the parser is held in memory.
    if (this.#pending.size > mostWaiting) await Promise.race(this.#pending)
  }
}

const mostWaiting = 64

/** Looks at a message's octets as they pass. */
export class Sight {
  readonly #structure = new MimeStructure()
  readonly #done: (header: Uint8Array, structure: MimeStructure) => Promise<void>
  #header: Uint8Array | undefined

  constructor(done: (header: Uint8Array, structure: MimeStructure) => Promise<void>) {
    this.#done = done
  }

  /** The first piece must hold the header, as far as it is looked at. */
  write(chunk: Uint8Array): void {
    this.#header ??= Buffer.from(headerOf(chunk))
    this.#structure.write(chunk)
  }

  async end(): Promise<void> {
    await this.#done(this.#header ?? Buffer.alloc(0), this.#structure)
  }
}

function headerOf(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, longestHeader))
  const ends = [head.indexOf('\r\n\r\n'), head.indexOf('\n\n')].filter((end) => end >= 0)
  return head.subarray(0, ends.length > 0 ? Math.min(...ends) + 2 : head.length)
}

const longestHeader = 64 * 1024
