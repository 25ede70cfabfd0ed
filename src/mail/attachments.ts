import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { MimeStructure } from './structure.js'

/** What a message carries besides its text. */
export interface Attachments {
  /** In the message's order; a type (`application/pgp-signature`) where a part has no name. */
  readonly names: readonly string[]
  /** False where there may be more, or nobody can tell. */
  readonly complete: boolean
}

/**
 * Tells messages' attachments, beside whatever else is going on: mailparser sees their structure alone, in a thread whose
 * memory and time are bounded. A message on which it fails or hangs is one of which nothing is known; nothing ever throws.
 */
export class AttachmentReader implements AsyncDisposable {
  readonly #signal: AbortSignal
  #worker: Worker | undefined
  #failures = 0
  /** One after the other: an answer belongs to the question before it. */
  #last: Promise<unknown> = Promise.resolve()

  /** When the signal is aborted, all questions are answered at once: nobody knows. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** `structure` must have seen the whole message. */
  read(structure: MimeStructure): Promise<Attachments> {
    const bytes = structure.end()
    if (hasNone(bytes)) return Promise.resolve({ names: [], complete: structure.complete })
    const answer = this.#last.then(async () => this.#ask(bytes))
    this.#last = answer
    return answer.then(({ names, complete }) => ({ names, complete: complete && structure.complete }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  async #ask(structure: Buffer): Promise<Attachments> {
    if (this.#failures >= mostFailures || this.#signal.aborted) return unknown
    const over = new AbortController()
    const giveUp = (): void => {
      over.abort()
    }
    const timer = setTimeout(giveUp, mostMs)
    const worker = (this.#worker ??= start())
    worker.once('exit', giveUp)
    this.#signal.addEventListener('abort', giveUp)
    try {
      worker.postMessage(structure)
      const [answer] = (await once(worker, 'message', { signal: over.signal })) as [Attachments]
      return answer
    } catch {
      this.#failures++
      await this[Symbol.asyncDispose]()
      return unknown
    } finally {
      worker.off('exit', giveUp)
      this.#signal.removeEventListener('abort', giveUp)
      clearTimeout(timer)
    }
  }
}

function start(): Worker {
  const worker = new Worker(new URL('./attachment-worker.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4 },
    stdout: true,
    stderr: true,
    env: {},
  })
  // A failure between two questions is the next question's.
  worker.on('error', () => undefined)
  return worker
}

/** A text, and its only part: most mail. */
function hasNone(structure: Buffer): boolean {
  const text = structure.toString('latin1')
  return !/^content-disposition/im.test(text) && (!/^content-type/im.test(text) || plain.test(text))
}

const plain = /^content-type[ \t]*:[ \t]*text\/(?:plain|html)[ \t]*(?:;|\r)/i
const unknown: Attachments = { names: [], complete: false }
const mostMs = 10_000
const mostFailures = 10
