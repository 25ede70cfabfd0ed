import type { ImapClient } from '../imap/client.js'
import { fetchBodies } from '../imap/fetch.js'
import type { LiteralSink } from '../imap/wire.js'
import { asFault, type Fault } from '../ports/fault.js'
import type { Contents, Receipt } from '../ports/target.js'
import { existing } from './imap-read.js'
import { parseWhere } from './imap-where.js'

/** The receipts' messages as the server keeps them, one at a time. */
export async function* contentsOf(
  client: ImapClient,
  folder: string,
  receipts: AsyncIterable<Receipt>,
): AsyncIterable<Contents> {
  const mailbox = await existing(client, folder)
  if (!mailbox) return
  for await (const receipt of receipts) {
    const place = parseWhere(receipt.where)
    if (place?.uidValidity !== mailbox.uidValidity) continue
    const pipe = new Pipe()
    const fetched = fetchBodies(client.dialogue, [place.uid], () => pipe).then(
      () => {
        pipe.end()
      },
      (error: unknown) => {
        pipe.end(error)
      },
    )
    yield { receipt, chunks: pipe }
    pipe.discard()
    await fetched
  }
}

/** What one side writes the other side reads, a part at a time. */
class Pipe implements LiteralSink, AsyncIterable<Uint8Array> {
  #part: { readonly bytes: Uint8Array; taken(): void } | undefined
  #ended = false
  #error: Fault | undefined
  #discarding = false
  #wake: (() => void) | undefined

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#discarding) return
    await new Promise<void>((taken) => {
      this.#part = { bytes, taken }
      this.#wake?.()
    })
  }

  end(error?: unknown): void {
    this.#ended = true
    this.#error = error === undefined ? undefined : asFault(error)
    this.#wake?.()
  }

  /** Nobody reads on: what is left is thrown away. */
  discard(): void {
    this.#discarding = true
    this.#part?.taken()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const part = this.#part
      if (part) {
        this.#part = undefined
        yield part.bytes
        part.taken()
      } else if (this.#ended) {
        if (this.#error) throw this.#error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}
