import type { Socket } from 'node:net'
import { TLSSocket, type TlsOptions } from 'node:tls'
import type { FakeImapServer } from './fake-imap-server.js'
import type { StoredMail } from './fake-mail-store.js'

export interface ImapHabits {
  /** What CAPABILITY lists after sign-in; before it, STARTTLS and AUTH=PLAIN stand in front. */
  readonly capabilities?: readonly string[]
  readonly loginDisabled?: boolean
  readonly delimiter?: string
  readonly prefix?: string
  readonly uidValidity?: number
  readonly greeting?: string
  readonly permanentFlags?: string
  /** Refuses messages with a bare LF or a NUL, as Cyrus does. */
  readonly strict?: boolean
  /** Puts this in front of each message. */
  readonly adds?: string
  /** Keeps one copy of equal messages, as Gmail does. */
  readonly merges?: boolean
  /** Opens no mailbox before ID, as NetEase does; then `capabilities` should list it. */
  readonly wantsId?: boolean
  readonly hooks?: Readonly<Record<string, ImapHook>>
}

/** What comes instead of the honest answer; undefined: the honest one. */
export type ImapHook = (moment: ImapMoment) => ImapScript | undefined

export interface ImapMoment {
  /** The command in upper case; `greeting`; `literal`: a literal was announced. */
  readonly event: string
  /** Of the event on this server, from 1. */
  readonly count: number
  readonly line: string
  readonly literals: readonly Buffer[]
}

export interface ImapScript {
  /** The command is carried out all the same, perhaps only after so many ms, or when `server.release()` says so. */
  readonly act?: boolean | number | 'later'
  /** Sent instead of the answer; `TAG` stands for the tag. Without it nothing is said. */
  readonly reply?: string
  /** The connection is closed afterwards; in an answer to `literal` after so many octets of it. */
  readonly cut?: boolean | number
  /** Called at that octet. */
  readonly kill?: () => void
  /** The server stands still, reads nothing more and answers nothing, until `server.release()` says so. */
  readonly stall?: boolean
}

const honestCapabilities = [
  'IMAP4rev1',
  'SASL-IR',
  'LITERAL+',
  'UIDPLUS',
  'MULTIAPPEND',
  'NAMESPACE',
  'BINARY', // prettier-ignore
]

/** One connection of the fake IMAP server. */
export class FakeImapSession {
  #socket: Socket
  readonly #server: FakeImapServer
  readonly #tls: TlsOptions
  #input = Buffer.alloc(0)
  #literals: Buffer[] = []
  #line = ''
  /** Octets of the literal that is arriving. */
  #awaited: number | undefined
  #cutAfter: number | undefined
  #atCut: (() => void) | undefined
  #selected = ''
  #authenticating: string | undefined
  #signedIn = false
  #still = false
  #identified = false

  constructor(socket: Socket, server: FakeImapServer, tls: TlsOptions) {
    this.#socket = socket
    this.#server = server
    this.#tls = tls
  }

  start(): void {
    this.#listen()
    const script = this.#script('greeting', '')
    if (script) this.#follow(script, '*')
    else this.#send(this.#server.options.greeting ?? '* OK ready\r\n')
  }

  #listen(): void {
    this.#socket.on('error', () => undefined)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input = Buffer.concat([this.#input, chunk])
      this.#read()
    })
  }

  #read(): void {
    while (!this.#socket.destroyed && !this.#still) {
      if (this.#awaited !== undefined) {
        if (this.#cutAfter !== undefined && this.#input.length >= this.#cutAfter) {
          this.#atCut?.()
          this.#socket.destroy()
          return
        }
        if (this.#input.length < this.#awaited) return
        this.#literals.push(this.#input.subarray(0, this.#awaited))
        this.#input = this.#input.subarray(this.#awaited)
        this.#awaited = undefined
      }
      const end = this.#input.indexOf('\r\n')
      if (end < 0) return
      const text = this.#input.subarray(0, end).toString('latin1')
      this.#input = this.#input.subarray(end + 2)
      this.#take(text)
    }
  }

  #take(text: string): void {
    if (this.#authenticating !== undefined) {
      this.#authenticated(this.#authenticating, text)
      return
    }
    this.#line += text
    const [, size, plus] = /\{(\d+)(\+?)\}$/.exec(text) ?? []
    if (size === undefined) {
      const line = this.#line
      const literals = this.#literals
      this.#line = ''
      this.#literals = []
      this.#server.lines.push(line)
      this.#command(line, literals)
      return
    }
    const script = this.#script('literal', this.#line)
    if (script?.reply !== undefined) {
      const tag = this.#line.split(' ')[0] ?? ''
      this.#line = ''
      this.#literals = []
      this.#follow(script, tag)
      return
    }
    if (typeof script?.cut === 'number') this.#cutAfter = script.cut
    this.#atCut = script?.kill
    this.#awaited = Number(size)
    if (plus === '') this.#send('+ go on\r\n')
  }

  #command(line: string, literals: readonly Buffer[]): void {
    const [tag = '', name = ''] = line.split(' ')
    const event = name.toUpperCase() === 'UID' ? `UID ${line.split(' ')[2]?.toUpperCase()}` : name.toUpperCase()
    const script = this.#script(event, line, literals)
    const answer = (): string => this.#answer(tag, event, line, literals)
    if (!script) {
      this.#send(answer())
      if (event === 'STARTTLS') this.#secure()
      if (event === 'LOGOUT') this.#socket.end()
      return
    }
    if (script.stall) {
      this.#standStill(() => {
        this.#send(answer())
      })
      return
    }
    if (typeof script.act === 'number') setTimeout(answer, script.act)
    else if (script.act === 'later') this.#server.held.push(answer)
    else if (script.act === true) answer()
    this.#follow(script, tag)
  }

  #standStill(then: () => void): void {
    this.#still = true
    this.#socket.pause()
    this.#server.held.push(() => {
      this.#still = false
      then()
      this.#socket.resume()
      this.#read()
    })
  }

  #follow({ reply, cut }: ImapScript, tag: string): void {
    if (reply !== undefined) this.#send(reply.replaceAll('TAG', tag))
    if (cut === true) this.#socket.destroySoon()
  }

  #script(event: string, line: string, literals: readonly Buffer[] = []): ImapScript | undefined {
    const count = this.#server.count(event)
    return this.#server.options.hooks?.[event]?.({ event, count, line, literals })
  }

  #answer(tag: string, event: string, line: string, literals: readonly Buffer[]): string {
    const { store, options } = this.#server
    const name = (): string => nameIn(line, literals)
    if (event === 'ID') this.#identified = true
    if (justAgreed.has(event)) return `${tag} OK done\r\n`
    switch (event) {
      case 'CAPABILITY':
        return `* CAPABILITY ${this.#capabilities().join(' ')}\r\n${tag} OK done\r\n`
      case 'LOGIN':
        return this.#judge(tag, credentialsIn(line, literals))
      case 'AUTHENTICATE': {
        const response = line.split(' ')[3]
        if (response !== undefined) return this.#judge(tag, plainIn(response))
        this.#authenticating = tag
        return '+ \r\n'
      }
      case 'NAMESPACE':
        return `* NAMESPACE (("${options.prefix ?? ''}" "${store.delimiter}")) NIL NIL\r\n${tag} OK done\r\n`
      case 'LIST':
        return `* LIST (\\Noselect) ${store.delimiter === '' ? 'NIL' : `"${store.delimiter}"`} ""\r\n${tag} OK done\r\n`
      case 'CREATE':
        return this.#create(tag, name())
      case 'SUBSCRIBE':
        store.subscribed.add(name())
        return `${tag} OK done\r\n`
      case 'SELECT':
        return this.#select(tag, name())
      case 'APPEND':
        return this.#append(tag, line, literals)
      case 'LOGOUT':
        return `* BYE bye\r\n${tag} OK done\r\n`
      case 'STATUS':
        return this.#status(tag, name())
      case 'UID FETCH':
        return this.#fetch(tag, line)
      case 'UID STORE':
      case 'UID EXPUNGE':
        return this.#remove(tag, line)
      default:
        return `${tag} BAD unknown\r\n`
    }
  }

  #capabilities(): readonly string[] {
    const { capabilities = honestCapabilities, tls, loginDisabled } = this.#server.options
    if (this.#signedIn) return capabilities
    const secured = this.#socket instanceof TLSSocket
    return [
      ...capabilities.filter((name) => ['IMAP4rev1', 'SASL-IR', 'LITERAL+', 'LITERAL-', 'ID'].includes(name)),
      ...(tls === 'starttls' && !secured ? ['STARTTLS'] : []),
      ...(loginDisabled ? ['LOGINDISABLED'] : []),
      ...capabilities.filter((name) => name.startsWith('AUTH=')),
    ]
  }

  #judge(tag: string, [user, password]: readonly string[]): string {
    if (user !== 'alice' || password !== 'secret') return `${tag} NO [AUTHENTICATIONFAILED] no\r\n`
    this.#signedIn = true
    return `${tag} OK done\r\n`
  }

  #authenticated(tag: string, response: string): void {
    this.#authenticating = undefined
    this.#send(this.#judge(tag, plainIn(response)))
  }

  #select(tag: string, name: string): string {
    const { store, options } = this.#server
    if (options.wantsId && !this.#identified) return `${tag} NO SELECT Unsafe Login. Please contact us for help\r\n`
    if (!store.has(name)) return `${tag} NO [NONEXISTENT] no such mailbox\r\n`
    this.#selected = name
    return [
      `* ${store.messages(name).length} EXISTS`,
      `* OK [PERMANENTFLAGS ${options.permanentFlags ?? '(\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)'}] flags`,
      `* OK [UIDVALIDITY ${store.uidValidity}] valid`,
      `* OK [UIDNEXT ${store.uidNext(name)}] next`,
      `${tag} OK [READ-WRITE] done\r\n`,
    ].join('\r\n')
  }

  #append(tag: string, line: string, literals: readonly Buffer[]): string {
    const { store, options } = this.#server
    const [command = '', quoted] = /^\S+ APPEND (?:"((?:[^"\\]|\\.)*)"|\{\d+\+?\})/i.exec(line) ?? []
    const name = quoted === undefined ? (literals[0]?.toString() ?? '') : quoted.replaceAll(/\\(.)/g, '$1')
    const bodies = quoted === undefined ? literals.slice(1) : literals
    if (!store.has(name)) return `${tag} NO [TRYCREATE] no such mailbox\r\n`
    const heads = [...line.slice(command.length).matchAll(/(?: \(([^)]*)\))?(?: "([^"]*)")? ~?\{(\d+)\+?\}/g)]
    for (const [, , date] of heads) {
      if (date !== undefined && !internalDate.test(date)) return `${tag} BAD Invalid internal date.\r\n`
    }
    const bad = bodies.find((body) => options.strict && /[^\r]\n|\0/.test(body.toString('latin1')))
    if (bad) return `${tag} NO Message contains bare newlines or NUL characters\r\n`
    const uids = bodies.map((body, index) => {
      const [, flags = '', date] = heads[index] ?? []
      const bytes = Buffer.concat([Buffer.from(options.adds ?? ''), body])
      const twin = options.merges && store.messages(name).find((one) => one.bytes.equals(bytes))
      if (twin) return twin.uid
      return store.add(name, { bytes, flags: flags === '' ? [] : flags.split(' '), date })
    })
    const plus = (options.capabilities ?? honestCapabilities).includes('UIDPLUS')
    const set = uids.join(',')
    return `${tag} OK ${plus ? `[APPENDUID ${store.uidValidity} ${set}] ` : ''}done\r\n`
  }

  #fetch(tag: string, line: string): string {
    const [, set = ''] = /UID FETCH (\S+)/i.exec(line) ?? []
    const ranges = set.split(',').map((range) => {
      const [first = '0', last = first] = range.split(':')
      return [Number(first), last === '*' ? Infinity : Number(last)] as const
    })
    const all = this.#server.store.messages(this.#selected)
    const chosen = all.filter(({ uid }) => ranges.some(([first, last]) => uid >= first && uid <= last))
    // n:* always names the last message (RFC 3501 §9).
    const newest = all.at(-1)
    if (set.endsWith('*') && chosen.length === 0 && newest) chosen.push(newest)
    const body = /BODY\.PEEK\[\]/i.test(line)
    return chosen.map((mail) => fetched(all.indexOf(mail) + 1, mail, body)).join('') + `${tag} OK done\r\n`
  }

  #create(tag: string, name: string): string {
    const { store } = this.#server
    if (store.has(name)) return `${tag} NO [ALREADYEXISTS] exists\r\n`
    store.create(name)
    return `${tag} OK done\r\n`
  }

  #status(tag: string, name: string): string {
    const { store } = this.#server
    if (!store.has(name)) return `${tag} NO [NONEXISTENT] no such mailbox\r\n`
    const items = `UIDVALIDITY ${store.uidValidity} UIDNEXT ${store.uidNext(name)}`
    return `* STATUS "${name}" (${items})\r\n${tag} OK done\r\n`
  }

  /** Marks as deleted, or removes what is marked. */
  #remove(tag: string, line: string): string {
    const { store } = this.#server
    const [, , event = '', set = ''] = line.split(' ')
    const [, flags] = /\+FLAGS\.SILENT \(([^)]*)\)$/i.exec(line) ?? []
    const uids = new Set(set.split(',').map(Number))
    if (flags !== undefined) store.setFlags(this.#selected, uids, flags.split(' '))
    const marked = store
      .messages(this.#selected)
      .filter((mail) => uids.has(mail.uid) && mail.flags.includes('\\Deleted'))
    if (event.toUpperCase() === 'EXPUNGE') for (const { uid } of marked) store.remove(this.#selected, uid)
    return `${tag} OK done\r\n`
  }

  #secure(): void {
    this.#socket.removeAllListeners('data')
    this.#socket = new TLSSocket(this.#socket, { isServer: true, ...this.#tls })
    this.#listen()
  }

  #send(text: string): void {
    this.#socket.write(text, 'latin1')
  }
}

function fetched(number: number, { uid, bytes, flags }: StoredMail, body: boolean): string {
  // As Cyrus does (RFC 3516 §4.2).
  const binary = bytes.includes(0) ? '~' : ''
  const content = body ? ` BODY[] ${binary}{${bytes.length}}\r\n${bytes.toString('latin1')}` : ''
  return `* ${number} FETCH (UID ${uid} FLAGS (${flags.join(' ')}) RFC822.SIZE ${bytes.length}${content})\r\n`
}

/** The mailbox of CREATE, SUBSCRIBE, SELECT. */
function nameIn(line: string, literals: readonly Buffer[]): string {
  const [, quoted] = /^\S+ \S+ "((?:[^"\\]|\\.)*)"/.exec(line) ?? []
  return quoted === undefined ? (literals[0]?.toString() ?? '') : quoted.replaceAll(/\\(.)/g, '$1')
}

function credentialsIn(line: string, literals: readonly Buffer[]): readonly string[] {
  const left = [...literals]
  const parts = line.slice(line.indexOf(' LOGIN ') + 7).match(/"(?:[^"\\]|\\.)*"|\{\d+\+?\}/g) ?? []
  return parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll(/\\(.)/g, '$1') : String(left.shift()),
  )
}

function plainIn(response: string): readonly string[] {
  return Buffer.from(response, 'base64').toString().split('\0').slice(1)
}

const justAgreed: ReadonlySet<string> = new Set(['STARTTLS', 'NOOP', 'ID'])
const internalDate = /^[ \d]\d-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4} \d\d:\d\d:\d\d [+-]\d{4}$/
