import type { ImapClient } from '../imap/client.js'
import { dateOf } from '../mail/date.js'
import { plaintextProblem, serverAddress, serverFields } from '../net/server-settings.js'
import type { Probe } from '../ports/check.js'
import { Fault } from '../ports/fault.js'
import { defineKind, type TargetContext, type TargetKind } from '../ports/kind.js'
import type { Message } from '../ports/message.js'
import type {
  Accounted,
  Contents,
  Lane,
  OtherCopy,
  Progress,
  ReadBack,
  Receipt,
  StandingForm,
  Target,
  Trace,
  Writer,
} from '../ports/target.js'
import { presetSettings } from '../providers/names.js'
import { type ImapSettings, type ImapTargetSettings, imapTargetSettings } from './imap-settings.js'
import { Suspects } from './imap-suspects.js'
import { trace } from './imap-where.js'
import type { ImapContext } from './imap-writer.js'

/** A folder at an IMAP server. What speaks IMAP is loaded only where a plan has such a target. */
export const imap: TargetKind = defineKind({
  type: 'imap',
  settings: imapTargetSettings,
  fields: [...serverFields, { key: 'folder', form: 'template' }],
  presets: {
    key: 'provider',
    settings: presetSettings('imap'),
  },
  create(chosen: ImapTargetSettings, context: TargetContext): Target {
    // Once more: templates are filled in by now (QUIRKS TLS-12).
    const exposed = plaintextProblem(chosen)
    if (exposed !== undefined) throw new Fault('plan-conflict', exposed)
    const { host, port, server } = serverAddress(chosen, { implicit: 993, plain: 143 })
    const warn = warningsOf(context)
    const { clock, timeouts } = context
    return new ImapTarget(
      chosen,
      { clock, settleMs: timeouts.settle, warn },
      {
        // A master user acts for many.
        user: chosen.authzid ?? chosen.user,
        server,
        connect: async (signal) => {
          const { ImapOpening } = await import('./imap-opening.js')
          return new ImapOpening({ ...chosen, host, port }, context, warn).open(signal)
        },
      },
    )
  },
})

/** Each once a run, with the name of the target. */
function warningsOf({ account, target, emit }: TargetContext): ImapContext['warn'] {
  const warned = new Set<string>()
  return (code, message) => {
    if (warned.has(code)) return
    warned.add(code)
    emit({ type: 'warning', account, code, message: `target ${target}: ${message}` })
  }
}

/** One folder of an IMAP server. */
export class ImapTarget implements Target {
  readonly shareable = true
  readonly bounded = true
  readonly place: string
  readonly #settings: ImapSettings
  readonly #context: ImapContext
  readonly #suspects = new Suspects()
  readonly #connect: (signal: AbortSignal) => Promise<ImapClient>

  constructor(settings: ImapSettings, context: ImapContext, way: Way) {
    this.#settings = settings
    this.#context = context
    this.#connect = async (signal) => way.connect(signal)
    const folder = settings.folder.replace(/^inbox(?=\/|$)/i, 'INBOX')
    this.place = `imap:${way.user}@${way.server}/${folder}`
  }

  async open(_: Lane, progress: Progress, signal: AbortSignal): Promise<Writer> {
    const { ImapWriter } = await import('./imap-writer.js')
    const context = { ...this.#context, suspects: this.#suspects }
    return ImapWriter.open(this.#settings, context, progress, async () => this.#connect(signal))
  }

  async probe(_: Progress | undefined, signal: AbortSignal): Promise<Probe> {
    const { probeAccount } = await import('./imap-probe.js')
    const client = await this.#connect(signal)
    try {
      const probe = await probeAccount(client)
      await client.logout()
      return probe
    } finally {
      client.drop()
    }
  }

  async *read(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<ReadBack> {
    const { readFolder } = await import('./imap-read.js')
    const client = await this.#connect(new AbortController().signal)
    try {
      yield* readFolder(client, this.#settings.folder, receipts)
      await client.logout()
    } finally {
      client.drop()
    }
  }

  async *others(_: Lane, __: Progress, accounted: Accounted): AsyncIterable<OtherCopy> {
    const { otherMessages } = await import('./imap-read.js')
    const client = await this.#connect(new AbortController().signal)
    try {
      yield* otherMessages(client, this.#settings.folder, accounted)
      await client.logout()
    } finally {
      client.drop()
    }
  }

  async *contents(_: Lane, __: Progress, receipts: AsyncIterable<Receipt>): AsyncIterable<Contents> {
    const { contentsOf } = await import('./imap-contents.js')
    const client = await this.#connect(new AbortController().signal)
    try {
      yield* contentsOf(client, this.#settings.folder, receipts)
      await client.logout()
    } finally {
      client.drop()
    }
  }

  async forms(message: Message): Promise<readonly StandingForm[]> {
    const { formsOf } = await import('./imap-read.js')
    return formsOf(message, dateOf(message, this.#settings.date, this.#context.clock))
  }

  trace(receipt: Receipt): Trace {
    return trace(receipt)
  }
}

/** How to get there. */
export interface Way {
  readonly user: string
  /** `host`, or `host:port` where the port is not the usual one. */
  readonly server: string
  connect(signal: AbortSignal): Promise<ImapClient>
}
