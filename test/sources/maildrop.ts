import type { Event } from '../../src/ports/event.js'
import type { SourceContext } from '../../src/ports/kind.js'
import type { Entry, Message } from '../../src/ports/message.js'
import { Secret } from '../../src/ports/secret.js'
import type { Incoming, Intake, Session, Source } from '../../src/ports/source.js'
import { pop3 } from '../../src/sources/pop3.js'
import { ScriptServer, type Replies, type Script } from '../pop3/script-server.js'

export const never = new AbortController().signal

/** A source at a script server, and the events it emits. */
export function sourceAt(
  port: number,
  chosen: Readonly<Record<string, unknown>> = {},
  context: Partial<SourceContext> = {},
): { readonly source: Source; readonly events: readonly Event[] } {
  const events: Event[] = []
  const settings = pop3.settings.parse({ host: '127.0.0.1', port, tls: 'none', user: 'alice', ...chosen })
  const source = pop3.create(settings, {
    account: 'a',
    clock: clock,
    emit: (event) => events.push(event),
    timeouts: { connect: 5_000, reply: 5_000, stall: 5_000, settle: 0 },
    secrets: new Map([['password', async () => new Secret('canary')]]),
    transcript: false,
    ...context,
  })
  return { source, events }
}

const clock: SourceContext['clock'] = {
  now: () => 0,
  monotonic: () => 0,
  sleep: async () => undefined,
  limit: async () => undefined,
  random: () => 0,
}

/** Replies of an honest maildrop: raw bodies (Latin-1) by message number from 1, ids `id1`, `id2`, … */
export function maildrop(bodies: readonly string[], capabilities = 'UIDL\r\n'): Replies {
  const rows = (value: (body: string, index: number) => unknown): string =>
    `+OK\r\n${bodies.map((body, index) => `${index + 1} ${String(value(body, index))}\r\n`).join('')}.\r\n`
  return {
    CAPA: `+OK\r\n${capabilities}.\r\n`,
    STAT: `+OK ${bodies.length} ${bodies.join('').length}\r\n`,
    LIST: rows((body) => body.length),
    UIDL: (line, peer) => {
      const all = rows((_body, index) => `id${index + 1}`)
      return peer.send(line === 'UIDL' ? all : `+OK ${line.slice(5)} id${line.slice(5)}\r\n`)
    },
    RETR: (line, peer) => peer.send(`+OK\r\n${stuffed(bodies[Number(line.slice(5)) - 1] ?? '')}.\r\n`),
  }
}

export function stuffed(body: string): string {
  return body.replace(/^\./gm, '..')
}

export function greeted(replies: Replies): Script {
  return async (peer) => {
    await peer.send('+OK\r\n')
    await peer.answer(replies)
  }
}

export interface Rig extends AsyncDisposable {
  readonly server: ScriptServer
  readonly source: Source
  readonly session: Session
  readonly events: readonly Event[]
}

/** A signed-in session with a script. */
export async function signedIn(replies: Replies, chosen: Readonly<Record<string, unknown>> = {}): Promise<Rig> {
  const server = await ScriptServer.start(greeted(replies))
  const { source, events } = sourceAt(server.port, chosen)
  const session = await source.connect(never)
  return {
    server,
    source,
    session,
    events,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Keeps messages as Latin-1 text. */
export class TextIntake implements Intake {
  readonly finished: string[] = []
  discarded = 0

  begin(entry: Entry): Incoming {
    let text = ''
    return {
      write: (bytes) => {
        text += Buffer.from(bytes).toString('latin1')
        return undefined
      },
      finish: async () => {
        this.finished.push(text)
        return messageOf(entry, text)
      },
      discard: async () => {
        this.discarded++
        if (this.finished.at(-1) === text) this.finished.pop()
      },
    }
  }
}

function messageOf({ key }: Entry, text: string): Message {
  const bytes = Buffer.from(text, 'latin1')
  const open = async function* (): AsyncIterable<Uint8Array> {
    yield bytes
  }
  return { key, size: bytes.length, sha256: '', header: bytes, bytes, open }
}

export interface Fetched {
  /** `key: text`, `key: text +flag` or `key! fault-code`, in order. */
  readonly results: readonly string[]
  readonly intake: TextIntake
  readonly error: unknown
}

/** Fetches the entries, all those of a fresh listing by default. */
export async function fetch(session: Session, entries?: readonly Entry[]): Promise<Fetched> {
  const wanted = [...(entries ?? (await session.list()).entries)]
  const intake = new TextIntake()
  const results: string[] = []
  try {
    for await (const result of session.retrieve({ take: () => wanted.shift(), more: async () => false }, intake)) {
      if ('fault' in result) results.push(`${result.entry.key}! ${result.fault.code}`)
      else results.push([`${result.entry.key}: ${intake.finished.at(-1) ?? ''}`, ...result.flags].join(' +'))
    }
  } catch (error) {
    return { results, intake, error }
  }
  return { results, intake, error: undefined }
}
