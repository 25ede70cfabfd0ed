import { createHash } from 'node:crypto'
import { firstLines, stuffed } from './body.js'
import type { Maildrop } from './maildrop.js'
import type { Chunks, SampleMessage } from './message.js'

export interface SampleUser {
  readonly password: string
  readonly maildrop: Maildrop
}

export interface SessionOptions {
  readonly users: ReadonlyMap<string, SampleUser>
  /** `<…@…>`: offers APOP, with this timestamp in the greeting. */
  readonly timestamp?: string | undefined
  /** Offers STLS until the connection is secure. */
  readonly stls: boolean
}

/** The bytes of one reply, and what happens to the connection behind it. */
export interface Reply {
  readonly bytes: Chunks
  readonly then?: 'close' | 'secure'
}

/** One POP3 dialogue (RFC 1939) without its connection: takes command lines, gives replies. */
export class Session {
  /** The connection is encrypted, or about to be. */
  secure = false
  /** Who signed in. */
  user: string | undefined
  readonly #options: SessionOptions
  #named: string | undefined
  #awaitsResponse = false
  #maildrop: Maildrop | undefined
  #messages: readonly SampleMessage[] = []
  readonly #deleted = new Set<SampleMessage>()
  readonly #retrieved = new Set<SampleMessage>()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get greeting(): Reply {
    const { timestamp } = this.#options
    return ok(`popferry sample server ready${timestamp === undefined ? '' : ` ${timestamp}`}`)
  }

  /** The reply to one command line, without its line end, as Latin-1. */
  answer(line: string): Reply {
    if (this.#awaitsResponse) {
      this.#awaitsResponse = false
      return line === '*' ? error('cancelled') : this.#plain(line)
    }
    const { verb, argument } = parseCommand(line)
    if (verb === 'CAPA') return listing('capabilities follow', this.capabilities())
    return this.#maildrop ? this.#transaction(verb, argument, this.#maildrop) : this.#authorization(verb, argument)
  }

  /** The message with this number, unless it is marked as deleted. */
  message(number: string): SampleMessage | undefined {
    const message = /^[1-9]\d{0,9}$/.test(number) ? this.#messages[Number(number) - 1] : undefined
    return message && !this.#deleted.has(message) ? message : undefined
  }

  /** The connection is gone: without a QUIT nothing is deleted. */
  close(): void {
    this.#maildrop?.close()
    this.#maildrop = undefined
  }

  protected capabilities(): readonly string[] {
    const lines = ['TOP', 'UIDL', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'IMPLEMENTATION popferry-sample']
    if (this.#maildrop) return lines
    const stls = this.#options.stls && !this.secure ? ['STLS'] : []
    return ['USER', 'SASL PLAIN', ...stls, ...lines]
  }

  #authorization(verb: string, argument: string): Reply {
    switch (verb) {
      case 'USER':
        this.#named = utf8(argument)
        return ok('now the password')
      case 'PASS':
        return this.#named === undefined ? error('USER first') : this.#signIn(this.#named, utf8(argument))
      case 'APOP':
        return this.#apop(argument)
      case 'AUTH':
        return this.#auth(argument)
      case 'STLS':
        if (!this.#options.stls || this.secure) return error('no TLS here')
        this.secure = true
        this.#named = undefined
        return { ...ok('begin the handshake'), then: 'secure' }
      case 'QUIT':
        return { ...ok('bye'), then: 'close' }
      default:
        return error('unknown command, or sign in first')
    }
  }

  #transaction(verb: string, argument: string, maildrop: Maildrop): Reply {
    switch (verb) {
      case 'STAT': {
        const left = this.#left()
        return ok(`${left.length} ${left.reduce((sum, { message }) => sum + message.size, 0)}`)
      }
      case 'LIST':
        return this.#scan(argument, ({ size }) => String(size))
      case 'UIDL':
        return this.#scan(argument, ({ uidl }) => uidl)
      case 'RETR':
        return this.#retr(argument)
      case 'TOP':
        return this.#top(argument)
      case 'DELE':
        return this.#dele(argument)
      case 'RSET':
        this.#deleted.clear()
        return ok('nothing is marked any more')
      case 'NOOP':
        return ok('still here')
      case 'QUIT':
        maildrop.update({ retrieved: this.#retrieved, deleted: this.#deleted })
        this.close()
        return { ...ok('bye'), then: 'close' }
      default:
        return error('unknown command')
    }
  }

  #signIn(user: string, password: string): Reply {
    this.#named = undefined
    const known = this.#options.users.get(user)
    return known?.password === password ? this.#open(user, known.maildrop) : error('[AUTH] wrong user or password')
  }

  #open(user: string, maildrop: Maildrop): Reply {
    const messages = maildrop.open()
    if (!messages) return error('[IN-USE] another session has the maildrop open')
    this.user = user
    this.#maildrop = maildrop
    this.#messages = messages
    return ok(`${messages.length} messages`)
  }

  /** RFC 1939 §7. */
  #apop(argument: string): Reply {
    const { timestamp, users } = this.#options
    const space = argument.lastIndexOf(' ')
    const user = utf8(argument.slice(0, space))
    const known = users.get(user)
    if (timestamp === undefined) return error('unknown command')
    const digest = createHash('md5').update(`${timestamp}${known?.password ?? ''}`)
    const matches = digest.digest('hex') === argument.slice(space + 1)
    return known && matches ? this.#open(user, known.maildrop) : error('[AUTH] wrong user or password')
  }

  /** RFC 5034 §4: PLAIN with or without an initial response. */
  #auth(argument: string): Reply {
    const { verb, argument: response } = parseCommand(argument)
    if (verb !== 'PLAIN') return error('unknown mechanism')
    if (response !== '') return this.#plain(response)
    this.#awaitsResponse = true
    return { bytes: [Buffer.from('+ \r\n')] }
  }

  #plain(response: string): Reply {
    const [, user, password] = Buffer.from(response, 'base64').toString().split('\0')
    if (user === undefined || password === undefined) return error('not a PLAIN response')
    return this.#signIn(user, password)
  }

  #left(): { readonly number: number; readonly message: SampleMessage }[] {
    const all = this.#messages.map((message, index) => ({ number: index + 1, message }))
    return all.filter(({ message }) => !this.#deleted.has(message))
  }

  #scan(argument: string, value: (message: SampleMessage) => string): Reply {
    if (argument === '') {
      return listing(
        'listing follows',
        this.#left().map(({ number, message }) => `${number} ${value(message)}`),
      )
    }
    const message = this.message(argument)
    return message ? ok(`${argument} ${value(message)}`) : noSuchMessage
  }

  #retr(argument: string): Reply {
    const message = this.message(argument)
    if (!message) return noSuchMessage
    this.#retrieved.add(message)
    return multiLine(`${message.size} octets`, stuffed(message.open()))
  }

  #top(argument: string): Reply {
    const [number = '', lines = ''] = argument.split(' ')
    const message = this.message(number)
    if (!message || !/^\d{1,9}$/.test(lines)) return noSuchMessage
    return multiLine('the top follows', stuffed(firstLines(message.open(), Number(lines))))
  }

  #dele(argument: string): Reply {
    const message = this.message(argument)
    if (!message) return noSuchMessage
    this.#deleted.add(message)
    return ok('marked')
  }
}

export function parseCommand(line: string): { readonly verb: string; readonly argument: string } {
  const space = line.indexOf(' ')
  if (space < 0) return { verb: line.toUpperCase(), argument: '' }
  return { verb: line.slice(0, space).toUpperCase(), argument: line.slice(space + 1) }
}

function ok(text: string): Reply {
  return { bytes: [Buffer.from(`+OK ${text}\r\n`, 'latin1')] }
}

export function error(text: string): Reply {
  return { bytes: [Buffer.from(`-ERR ${text}\r\n`, 'latin1')] }
}

function listing(text: string, lines: readonly string[]): Reply {
  return multiLine(text, stuffedLines(lines))
}

function multiLine(text: string, body: Chunks): Reply {
  return { bytes: joined([Buffer.from(`+OK ${text}\r\n`)], body) }
}

async function* joined(head: Chunks, body: Chunks): AsyncGenerator<Uint8Array> {
  yield* head
  yield* body
}

/** In pieces, so that a huge listing is never held whole. A line of numbers and ids never begins with a dot. */
function* stuffedLines(lines: readonly string[]): Generator<Uint8Array> {
  for (let at = 0; at < lines.length; at += linesAtOnce) {
    yield Buffer.from(`${lines.slice(at, at + linesAtOnce).join('\r\n')}\r\n`, 'latin1')
  }
  yield Buffer.from('.\r\n')
}

/** A client sends its name and password in UTF-8. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString()
}

const noSuchMessage = error('no such message')
const linesAtOnce = 1000
