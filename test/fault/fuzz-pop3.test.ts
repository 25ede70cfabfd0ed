import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Capabilities } from '../../src/pop3/capability.js'
import { DotStuffing } from '../../src/pop3/dot-stuffing.js'
import { readMaildrop } from '../../src/pop3/listing.js'
import { isClear, isThrottle, isUnknown, passingFault, pauseIn, wantsTls } from '../../src/pop3/refusal.js'
import type { Reply } from '../../src/pop3/reply.js'
import type { Wire } from '../../src/pop3/wire.js'
import { Fault } from '../../src/ports/fault.js'
import { apopTimestamp } from '../../src/sasl/timestamp.js'
import { connected } from '../pop3/connected.js'
import { dialogues, serverSide } from '../support/dialogues.js'
import { fuzz, fuzzTimeout, mutated, mutations, seed, segmentation, segments } from './fuzz.js'

const recorded = dialogues('pop3').map(({ name, turns }) => ({
  name,
  bytes: serverSide({ name, turns }),
  verbs: turns.map(({ command }) => command?.split(' ')[0] ?? 'greeting'),
}))

/** Reads what such a dialogue's client would read, to the end of the stream or to the first fault; says what it found. */
async function read(bytes: Buffer, verbs: readonly string[], sizes: readonly number[]): Promise<readonly unknown[]> {
  await using peers = await connected(async (peer) => {
    await peer.send(...segments(bytes, sizes))
    peer.end()
  })
  const found: unknown[] = []
  try {
    for (const verb of verbs) await answer(peers.wire, verb, found)
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(Fault)
    expect(error).not.toMatchObject({ code: 'internal' })
    found.push(String(error).replaceAll(/127\.0\.0\.1:\d+/g, 'server'))
  }
  return found
}

async function answer(wire: Wire, verb: string, found: unknown[]): Promise<void> {
  // The three that are read together come with the first of them.
  if (verb === 'LIST' || verb === 'UIDL') return
  if (verb === 'STAT') {
    const { numbers, ids, sizes } = await readMaildrop(wire, {
      ids: true,
      pipelined: true,
      knowsUidl: true,
      replyMs: 5000,
    })
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
    expect(ids).toHaveLength(numbers.length)
    found.push(numbers, ids, [...sizes])
    return
  }
  const reply = await wire.reply()
  found.push(told(reply, wire))
  if (!reply.ok) return
  if (verb === 'CAPA') {
    const capabilities = new Capabilities()
    await wire.lines({ lines: 512, octets: 65_536, code: 'protocol' }, (line, start, end) => {
      capabilities.add(line.toString('latin1', start, end))
    })
    found.push(capabilities.lines, capabilities.loginDelayMs, capabilities.expiresAtOnce, capabilities.offers('PLAIN'))
  }
  if (verb !== 'RETR') return
  const parts: Buffer[] = []
  const decoder = new DotStuffing(reply.bareLf)
  const write = (part: Uint8Array): undefined => void parts.push(Buffer.from(part))
  found.push(await wire.body(decoder, { write }, 100_000), decoder.unstuffedDot)
  found.push(Buffer.concat(parts).toString('latin1'))
}

/** All that is made of a status line, whatever it is an answer to. */
function told(reply: Reply, wire: Wire): unknown {
  const judged = [isClear(reply), isThrottle(reply), isUnknown(reply), wantsTls(reply), pauseIn(reply.words)]
  const passing = passingFault(reply, wire.connection)?.code
  return [reply.status, reply.code, reply.text, reply.bareLf, passing, judged, apopTimestamp(reply.line)]
}

describe(`POP3 parsers, seed ${seed}`, () => {
  it.each(recorded)('$name: any segmentation gives the same (CON-13)', async ({ bytes, verbs }) => {
    const whole = await read(bytes, verbs, [bytes.length])
    expect(whole.length).toBeGreaterThan(5)
    for (const sizes of [[1], [2], [7, 1, 30]]) expect(await read(bytes, verbs, sizes)).toEqual(whole)
  })

  it(
    'whatever comes, in any segmentation: the same answer, and no error but a fault',
    async () => {
      const seeds = fc.constantFrom(...recorded)
      await fuzz(fc.tuple(seeds, mutations, segmentation), 300, async ([{ bytes, verbs }, changes, sizes]) => {
        const wrong = mutated(bytes, changes)
        expect(await read(wrong, verbs, sizes)).toEqual(await read(wrong, verbs, [wrong.length + 1]))
      })
    },
    fuzzTimeout,
  )
})
