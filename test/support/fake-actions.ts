import { setTimeout as sleep } from 'node:timers/promises'

/** What an action can do in the place of one honest reply. */
export interface Exchange {
  /** Makes the honest server act (sign in, mark, update), once. */
  act(): void
  /** Lets it act and gives the next so many bytes of its reply, or all that is left. */
  honest(octets?: number): AsyncIterable<Uint8Array>
  /** Sends at once, in one write (or as the server's `segmentBytes` says). */
  send(bytes: Uint8Array): Promise<void>
  /** Resolves when the client has closed the connection. */
  closed(): Promise<void>
  /** A turn of the event loop, so that the next write is a segment of its own. */
  turn(): Promise<void>
  close(): void
  reset(): void
}

/** One step of a scripted reply. */
export type Action = (exchange: Exchange) => Promise<void> | void

/** The honest reply, or what `upTo` left of it. */
export const honest: Action = upTo(Infinity)

/** The next `octets` of the honest reply. */
export function upTo(octets: number): Action {
  return async (exchange) => {
    for await (const bytes of exchange.honest(octets)) await exchange.send(bytes)
  }
}

/** The honest server acts but says nothing. */
export const silently: Action = (exchange) => {
  exchange.act()
}

/** The first `octets` of the honest reply, then the connection is closed. */
export function cutAfter(octets: number): readonly Action[] {
  return [upTo(octets), close]
}

/** The honest reply, whole, changed by a function: another boundary, bare LFs, dots that are not stuffed … */
export function rewrite(change: (reply: Buffer) => string | Uint8Array): Action {
  return async (exchange) => {
    const all: Uint8Array[] = []
    for await (const bytes of exchange.honest()) all.push(bytes)
    await exchange.send(asBytes(change(Buffer.concat(all))))
  }
}

/** These bytes; a string is Latin-1 and needs its own CRLF. */
export function send(bytes: string | Uint8Array): Action {
  return (exchange) => exchange.send(asBytes(bytes))
}

/** These bytes, `every` at a time: one write each. */
export function segment(bytes: string | Uint8Array, every: number): Action {
  return async (exchange) => {
    for (const piece of pieces(asBytes(bytes), every)) {
      await exchange.send(piece)
      await exchange.turn()
    }
  }
}

/** Says nothing until the client goes. */
export const stall: Action = (exchange) => exchange.closed()

export function delay(ms: number): Action {
  return async (exchange) => {
    const over = new AbortController()
    const pause = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
    await Promise.race([pause, exchange.closed()])
    over.abort()
  }
}

/** FIN, behind what was sent. */
export const close: Action = (exchange) => {
  exchange.close()
}

/** RST. */
export const reset: Action = (exchange) => {
  exchange.reset()
}

/** A signal to a process, such as the program under test at this very event. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Action {
  return () => {
    process.kill(pid, signal)
  }
}

export function* pieces(bytes: Uint8Array, every: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += every) yield bytes.subarray(at, at + every)
}

function asBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
}
