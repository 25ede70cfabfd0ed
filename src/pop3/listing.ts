import { passingFault } from './refusal.js'
import type { Reply } from './reply.js'
import type { LineCap, Wire } from './wire.js'

/** A maildrop as STAT, LIST and UIDL show it: parallel lists in the order of message numbers. */
export interface Maildrop {
  readonly numbers: readonly number[]
  /** Unique ids: their bytes as Latin-1; empty where the server gives none (QUIRKS LST-07). */
  readonly ids: readonly string[]
  /** Octets by message number; absent where LIST does not know (QUIRKS LST-11). */
  readonly sizes: ReadonlyMap<number, number>
}

export interface ListingOptions {
  /** False: the unique ids are not wanted, and every message goes without. */
  readonly ids: boolean
  /** Send the three commands in one piece. */
  readonly pipelined: boolean
  /** CAPA lists UIDL, so a refusal passes; else the server does not know the command (QUIRKS LST-01, LST-02). */
  readonly knowsUidl: boolean
  /** The wait for the first byte of each pipelined reply but the first, ms. */
  readonly replyMs: number
}

/** Resolves only with a complete listing: terminators seen, and no fewer ids than STAT counts (QUIRKS LST-12). */
export async function readMaildrop(wire: Wire, options: ListingOptions): Promise<Maildrop> {
  if (options.pipelined) wire.send(options.ids ? 'STAT\r\nLIST\r\nUIDL' : 'STAT\r\nLIST')
  const count = statCount(await ask('STAT', wire, options))
  const sizes = new Sizes()
  const list = await ask('LIST', wire, options)
  if (list.ok) await wire.lines(cap, sizes.add)
  if (!options.ids) return withoutIds(sizes.byNumber, count, { list, wire })
  const ids = new Ids(wire)
  const uidl = await ask('UIDL', wire, options)
  if (uidl.ok) await wire.lines(cap, ids.add)
  // Some servers refuse to list an empty maildrop.
  else if (count !== 0 || sizes.byNumber.size > 0) throw uidlFault(uidl, wire, options)
  const { numbers, texts } = ids.inOrder()
  const expected = Math.max(count ?? 0, sizes.byNumber.size)
  if (numbers.length < expected) {
    throw wire.connection.fault('listing-incomplete', `UIDL lists ${numbers.length} messages instead of ${expected}`)
  }
  return { numbers, ids: texts, sizes: sizes.byNumber }
}

/** Without UIDL, LIST must show as many messages as STAT counts. */
function withoutIds(
  sizes: ReadonlyMap<number, number>,
  count: number | undefined,
  { list, wire }: { readonly list: Reply; readonly wire: Wire },
): Maildrop {
  if (sizes.size < (count ?? 0) || (!list.ok && count === undefined)) {
    const words = `LIST shows ${sizes.size} messages instead of ${count ?? 'all'}`
    throw wire.connection.fault('listing-incomplete', words, list.ok ? {} : { reply: list.text })
  }
  const numbers = [...sizes.keys()].sort((one, other) => one - other)
  return { numbers, ids: numbers.map(() => ''), sizes }
}

async function ask(command: 'STAT' | 'LIST' | 'UIDL', wire: Wire, options: ListingOptions): Promise<Reply> {
  wire.connection.phase = command
  // STAT may take minutes, for it opens the maildrop (QUIRKS CON-03); a server that loses glued commands answers it.
  const patience = command === 'STAT' ? wire.patience.reply : options.replyMs
  const reply = options.pipelined ? await wire.reply(patience) : await wire.ask(command)
  if (reply.ok) return reply
  if (reply.status !== 'error') throw wire.outOfStep(reply)
  const passing = passingFault(reply, wire.connection)
  if (passing) throw passing
  if (command !== 'STAT') return reply
  // Some servers accept the password first and refuse the account here (QUIRKS AUT-14).
  const forGood = reply.code === 'SYS/PERM' || reply.code === 'AUTH'
  const facts = { reply: reply.text }
  throw wire.connection.fault(forGood ? 'auth-failed' : 'protocol', 'the server refuses the maildrop', facts)
}

function uidlFault(reply: Reply, wire: Wire, { knowsUidl }: ListingOptions): Error {
  const facts = { reply: reply.text }
  if (knowsUidl) return wire.connection.fault('listing-incomplete', 'the server did not list the unique ids', facts)
  return wire.connection.fault('no-uidl', 'the server does not know UIDL', facts)
}

/** Undefined for a nonsense count: STAT is advisory (QUIRKS LST-13). */
function statCount(reply: Reply): number | undefined {
  const count = /^\S+[ \t]+(\d{1,10})(?:[ \t]|$)/.exec(reply.raw)?.[1]
  return count === undefined ? undefined : Number(count)
}

class Sizes {
  readonly byNumber = new Map<number, number>()

  /** Ignores what it cannot read: sizes are advisory (QUIRKS LST-14). */
  readonly add = (line: Buffer, start: number, end: number): void => {
    const blank = numberEnd(line, start, end)
    if (blank < 0) return
    let at = skipBlanks(line, blank, end)
    let size = 0
    const first = at
    for (; at < end && isDigit(line[at]); at++) size = size * 10 + (line[at] ?? 0) - zero
    if (at > first) this.byNumber.set(digits(line, start, blank), Math.min(size, Number.MAX_SAFE_INTEGER))
  }
}

class Ids {
  readonly #wire: Wire
  readonly #numbers: number[] = []
  readonly #texts: string[] = []
  #ascending = true

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Number, blanks, the id's bytes up to trailing blanks (QUIRKS LST-05, LST-06, LST-08). */
  readonly add = (line: Buffer, start: number, end: number): void => {
    const blank = numberEnd(line, start, end)
    if (blank < 0) {
      const facts = { reply: this.#wire.shown(line.subarray(start, end)) }
      throw this.#wire.connection.fault('listing-incomplete', 'a line of UIDL cannot be read', facts)
    }
    let last = end
    while (last > blank && isBlank(line[last - 1])) last--
    const first = skipBlanks(line, blank, last)
    if (last - first > maxId) throw this.#wire.connection.fault('protocol', `a unique id of over ${maxId} octets`)
    const number = digits(line, start, blank)
    this.#ascending &&= number > (this.#numbers.at(-1) ?? 0)
    this.#numbers.push(number)
    this.#texts.push(line.toString('latin1', first, last))
  }

  /** By number, each once. One number with two ids is a broken listing (QUIRKS LST-10). */
  inOrder(): { readonly numbers: readonly number[]; readonly texts: readonly string[] } {
    if (this.#ascending) return { numbers: this.#numbers, texts: this.#texts }
    const byNumber = new Map<number, string>()
    for (const [index, number] of this.#numbers.entries()) {
      const text = this.#texts[index] ?? ''
      if ((byNumber.get(number) ?? text) !== text) {
        throw this.#wire.connection.fault('listing-incomplete', `UIDL gives message ${number} two ids`)
      }
      byNumber.set(number, text)
    }
    const sorted = [...byNumber].sort(([one], [other]) => one - other)
    return { numbers: sorted.map(([number]) => number), texts: sorted.map(([, text]) => text) }
  }
}

/** The end of a message number, `[1-9][0-9]{0,9}` before a blank or the line's end; −1 where there is none. */
function numberEnd(line: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isDigit(line[at])) at++
  const fits = at > start && at - start <= 10 && line[start] !== zero
  return fits && (at === end || isBlank(line[at])) ? at : -1
}

function digits(line: Buffer, start: number, end: number): number {
  let number = 0
  for (let at = start; at < end; at++) number = number * 10 + (line[at] ?? 0) - zero
  return number
}

function skipBlanks(line: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(line[at])) at++
  return at
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

const zero = 0x30
const maxId = 4096
/** Far beyond any real maildrop (QUIRKS LST-15). */
const cap: LineCap = { lines: 2_000_000, octets: 64 * 1024 * 1024, code: 'listing-too-long' }
