import type { Dialogue } from './dialogue.js'
import { listOf, numberOf, textOf, type Value } from './value.js'
import type { LiteralSink } from './wire.js'

/** What stands in the selected mailbox. */
export interface Listed {
  readonly uid: number
  /** Octets as the server counts them (RFC822.SIZE). */
  readonly size: number
}

/** Everything from a UID on, in the order of UIDs (RFC 3501 §6.4.8). */
export async function listFrom(dialogue: Dialogue, first: number): Promise<readonly Listed[]> {
  const found = new Map<number, Listed>()
  dialogue.wire.connection.phase = 'UID FETCH'
  const answer = await dialogue.run([`UID FETCH ${first}:* (UID RFC822.SIZE)`], {
    untagged: (response) => {
      const items = response.name === 'FETCH' ? itemsOf(response.values) : undefined
      const uid = numberOf(items?.get('UID'))
      const size = numberOf(items?.get('RFC822.SIZE'))
      // `n:*` names the last message also where its UID is below n.
      if (uid !== undefined && size !== undefined && uid >= first) found.set(uid, { uid, size })
    },
  })
  if (!answer.ok) throw dialogue.wire.connection.fault('protocol', 'the server lists nothing', { reply: answer.text })
  return [...found.values()].sort((one, other) => one.uid - other.uid)
}

/** Reads messages whole, as a stream into one sink each; those that are gone are left out. The order is the server's. */
export async function fetchBodies<Sink extends LiteralSink>(
  dialogue: Dialogue,
  uids: readonly number[],
  makeSink: () => Sink,
): Promise<ReadonlyMap<number, Sink>> {
  const found = new Map<number, Sink>()
  const wanted = new Set(uids)
  for (let at = 0; at < uids.length; at += atOnce) {
    let sink = makeSink()
    dialogue.wire.connection.phase = 'UID FETCH'
    const answer = await dialogue.run([`UID FETCH ${uids.slice(at, at + atOnce).join(',')} (UID BODY.PEEK[])`], {
      sink: () => (sink = makeSink()),
      untagged: (response) => {
        const items = response.name === 'FETCH' ? itemsOf(response.values) : undefined
        const uid = numberOf(items?.get('UID'))
        const body = items?.get('BODY[]')
        if (uid === undefined || body === undefined || body === null || !wanted.has(uid)) return
        // A short one may come as a quoted string.
        if (typeof body === 'string') void sink.write(Buffer.from(body, 'latin1'))
        found.set(uid, sink)
      },
    })
    if (!answer.ok)
      throw dialogue.wire.connection.fault('protocol', 'the server does not give its messages back', {
        reply: answer.text,
      })
  }
  return found
}

/** Short command lines; a message more or less costs nothing. */
const atOnce = 500

function itemsOf(values: readonly Value[]): ReadonlyMap<string, Value> {
  const list = listOf(values[0])
  const items = new Map<string, Value>()
  for (let at = 0; at + 1 < list.length; at += 2) items.set(textOf(list[at])?.toUpperCase() ?? '', list[at + 1] ?? null)
  return items
}
