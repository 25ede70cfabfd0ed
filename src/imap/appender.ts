import type { Connection } from '../net/connection.js'
import type { Capabilities } from './capability.js'
import type { Command, Dialogue } from './dialogue.js'
import type { Mailbox } from './mailbox.js'
import { passingFault } from './refusal.js'
import type { Response } from './response.js'
import { numberOf, textOf } from './value.js'

/** A message to store (RFC 3501 §6.3.11). */
export interface Upload {
  readonly size: number
  /** The bytes where they are in memory; else they are read through `open`. */
  readonly bytes: Uint8Array | undefined
  open(): AsyncIterable<Uint8Array>
  /** Milliseconds since 1970. */
  readonly date: number | undefined
  /** Holds a NUL: sent as a binary literal (RFC 3516 §4.4). */
  readonly binary: boolean
}

/** The server's answer to one upload. */
export interface Answer {
  readonly response: Response
  /** From APPENDUID (RFC 4315 §3). */
  readonly uid: number | undefined
  readonly uidValidity: number | undefined
}

/** How many octets and commands may be under way, and what one command may carry. */
const window = { octets: 4 * 1024 * 1024, commands: 64 }
const together = { messages: 100, octets: 1024 * 1024 }

/**
 * Stores messages in one mailbox, many at once: the next is sent before the last is answered, and where the server
 * offers MULTIAPPEND (RFC 3502) small ones share a command. Outcomes come in the order of the calls.
 */
export class Appender {
  readonly #dialogue: Dialogue
  readonly #mailbox: Mailbox
  readonly #flags: string
  #multi: boolean
  #queue: Task[] = []
  #working = false
  #octets = 0
  #commands = 0
  #room: (() => void) | undefined

  constructor(dialogue: Dialogue, mailbox: Mailbox, options: { flags: readonly string[]; capabilities: Capabilities }) {
    this.#dialogue = dialogue
    this.#mailbox = mailbox
    this.#flags = options.flags.length > 0 ? ` (${options.flags.join(' ')})` : ''
    this.#multi = options.capabilities.has('MULTIAPPEND')
  }

  /** Resolves with the server's answer, be it OK, NO or BAD; rejects where it is in doubt what became of the message. */
  async append(upload: Upload): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ upload, resolve, reject })
      if (!this.#working) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#working = true
    // Until the whole batch has been handed over.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const group = this.#next()
      try {
        await this.#send(group)
      } catch (error) {
        for (const task of [...group, ...this.#queue.splice(0)]) task.reject(error)
      }
    }
    this.#working = false
  }

  /** One message, or several small ones. */
  #next(): readonly Task[] {
    let count = 1
    let octets = this.#queue[0]?.upload.size ?? 0
    if (this.#multi) {
      for (; count < Math.min(this.#queue.length, together.messages); count++) {
        octets += this.#queue[count]?.upload.size ?? 0
        if (octets > together.octets) break
      }
    }
    return this.#queue.splice(0, count)
  }

  async #send(group: readonly Task[]): Promise<void> {
    const octets = group.reduce((sum, { upload }) => sum + upload.size, 0)
    while (this.#commands > 0 && (this.#octets + octets > window.octets || this.#commands >= window.commands)) {
      await new Promise<void>((resolve) => {
        this.#room = resolve
      })
    }
    this.#octets += octets
    this.#commands++
    this.#dialogue.wire.connection.phase = 'APPEND'
    const { answered } = await this.#dialogue.begin({}, async (command) => this.#write(command, group))
    void answered
      .then((response) => this.#settle(group, response))
      .catch((error: unknown) => {
        for (const task of group) task.reject(error)
      })
      .finally(() => {
        this.#octets -= octets
        this.#commands--
        this.#room?.()
        this.#room = undefined
      })
  }

  async #write(command: Command, group: readonly Task[]): Promise<void> {
    const { connection } = this.#dialogue.wire
    await command.start(['APPEND ', { text: this.#mailbox.name }], `APPEND ${this.#mailbox.name} (${group.length})`)
    for (const { upload } of group) {
      const date = upload.date === undefined ? '' : ` "${internalDate(upload.date)}"`
      await command.literal(`${this.#flags}${date} `, upload.size, upload.binary ? '~' : '')
      if (upload.bytes) connection.write(upload.bytes)
      else {
        for await (const chunk of upload.open()) {
          connection.write(chunk)
          await connection.drained()
        }
      }
      await connection.drained()
    }
    connection.write('\r\n')
  }

  /** A refused group is sent again one by one: the server says nothing of which message it did not like. */
  async #settle(group: readonly Task[], response: Response): Promise<void> {
    if (group.length > 1 && !response.ok && !isOfAll(response, this.#dialogue.wire.connection)) {
      this.#multi = false
      this.#queue.unshift(...group)
      if (!this.#working) void this.#work()
      return
    }
    const uids = appendedUids(response, group.length)
    for (const [index, task] of group.entries()) {
      task.resolve({ response, uid: uids?.uids[index], uidValidity: uids?.uidValidity })
    }
  }
}

/** A refusal that one message more or less would not change: the mailbox is full or gone, or the server busy. */
function isOfAll(response: Response, connection: Connection): boolean {
  const { code, words } = response
  if (code?.name === 'TOOBIG') return false
  if (code?.name === 'OVERQUOTA' || code?.name === 'TRYCREATE' || code?.name === 'NONEXISTENT') return true
  return /quota|mailbox (?:is )?full/.test(words) || passingFault(response, connection) !== undefined
}

interface Task {
  readonly upload: Upload
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** Undefined where the server does not say them, or not as many as were stored. */
function appendedUids(response: Response, count: number): { uidValidity: number; uids: readonly number[] } | undefined {
  if (response.code?.name !== 'APPENDUID') return undefined
  const [validity, set] = response.code.values
  const uidValidity = numberOf(validity)
  const uids: number[] = []
  for (const range of (textOf(set) ?? '').split(',')) {
    const [first, last = first] = range.split(':').map(Number)
    if (first === undefined || last === undefined || !(first >= 1 && last >= first && last - first < count))
      return undefined
    for (let uid = first; uid <= last; uid++) uids.push(uid)
  }
  return uidValidity !== undefined && uids.length === count ? { uidValidity, uids } : undefined
}

/** RFC 3501 §9 date-time, in UTC: ` 1-Jan-2020 00:00:00 +0000` (QUIRKS APP-12). */
export function internalDate(ms: number): string {
  const [, day, month, year, time] = /^\w+, (\d\d) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString()) ?? []
  return `${String(Number(day)).padStart(2)}-${month}-${year} ${time} +0000`
}
