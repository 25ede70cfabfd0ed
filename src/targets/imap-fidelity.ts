import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies } from '../imap/fetch.js'
import type { Message } from '../ports/message.js'
import type { WarningCode } from '../ports/warning.js'
import { FingerprintMaker } from './imap-digest.js'

/** Learns from a lane's first message whether the server keeps what it is given (QUIRKS APP-18). */
export class Fidelity {
  readonly #warn: (code: WarningCode, message: string) => void
  #rewrites: boolean | undefined
  #learning: Promise<void> | undefined

  constructor(rewrites: boolean | undefined, warn: (code: WarningCode, message: string) => void) {
    this.#rewrites = rewrites
    this.#warn = warn
    if (rewrites === true) this.#tell()
  }

  /** Undefined as long as nobody has looked. */
  get rewrites(): boolean | undefined {
    return this.#rewrites
  }

  /** `plain`: no server has a reason to change it. Resolves with whether the server changes what it is given. */
  async judge(dialogue: Dialogue, { message, uid, plain }: Stored): Promise<boolean> {
    if (this.#rewrites === undefined && plain) this.#learning ??= this.#learn(dialogue, message, uid)
    await this.#learning
    return this.#rewrites ?? false
  }

  async #learn(dialogue: Dialogue, { sha256 }: Message, uid: number): Promise<void> {
    const [maker] = (await fetchBodies(dialogue, [uid], () => new FingerprintMaker())).values()
    // Somebody has removed it in the meantime: the next run's first message says more.
    if (!maker) return
    this.#rewrites = maker.finish().sha256 !== sha256
    if (this.#rewrites) this.#tell()
  }

  #tell(): void {
    this.#warn('rewrites', 'the server changes what it is given; its copies are compared without what it adds')
  }
}

interface Stored {
  readonly message: Message
  readonly uid: number
  readonly plain: boolean
}
