import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { capabilitiesIn } from '../../src/imap/capability.js'
import { passingFault } from '../../src/imap/refusal.js'
import type { Response } from '../../src/imap/response.js'
import { textOf, type Value } from '../../src/imap/value.js'
import { Wire } from '../../src/imap/wire.js'
import { Fault } from '../../src/ports/fault.js'
import { connected } from '../pop3/connected.js'
import { dialogues, serverSide } from '../support/dialogues.js'
import { fuzz, fuzzTimeout, mutated, mutations, seed, segmentation, segments } from './fuzz.js'

const recorded = dialogues('imap').map((dialogue) => ({ name: dialogue.name, bytes: serverSide(dialogue) }))
const patience = { connect: 5_000, reply: 5_000, stall: 5_000 }

/** Reads responses to the end of the stream or to the first fault; says what it found. */
async function read(bytes: Buffer, sizes: readonly number[], streams: boolean): Promise<readonly unknown[]> {
  await using peers = await connected(async (peer) => {
    await peer.send(...segments(bytes, sizes))
    peer.end()
  })
  const { connection } = peers
  const wire = new Wire(connection, { patience, scrub: (text) => text })
  const found: unknown[] = []
  const literals: Buffer[] = []
  const write = (part: Uint8Array): undefined => void literals.push(Buffer.from(part))
  try {
    for (;;) {
      const response = await wire.response(5_000, streams ? () => ({ write }) : undefined)
      found.push(
        told(response),
        passingFault(response, connection)?.code,
        Buffer.concat(literals.splice(0)).toString('hex'),
      )
    }
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(Fault)
    expect(error).not.toMatchObject({ code: 'internal' })
    found.push(String(error).replaceAll(/127\.0\.0\.1:\d+/g, 'server'))
  }
  return found
}

/** All that is made of a response, whatever it is an answer to. */
function told(response: Response): unknown {
  const { tag, name, number, code, rest, text, words, data } = response
  const values = orSyntaxError(() => response.values)
  expect(data === undefined).toBe(values === 'SyntaxError')
  const capabilities = orSyntaxError(() => capabilitiesIn(response)?.names)
  return [
    tag,
    name,
    number,
    code && [code.name, code.values.map(plain)],
    rest,
    text,
    words,
    data?.map(plain),
    capabilities,
  ]
}

function orSyntaxError<T>(read: () => T): T | 'SyntaxError' {
  try {
    return read()
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError)
    return 'SyntaxError'
  }
}

function plain(value: Value): unknown {
  return Array.isArray(value) ? value.map((one) => plain(one as Value)) : (textOf(value) ?? null)
}

describe(`IMAP parsers, seed ${seed}`, () => {
  it.each(recorded)('$name: any segmentation gives the same', async ({ bytes }) => {
    const whole = await read(bytes, [bytes.length], false)
    expect(whole.length).toBeGreaterThan(20)
    for (const sizes of [[1], [2], [7, 1, 30]]) expect(await read(bytes, sizes, false)).toEqual(whole)
  })

  it(
    'whatever comes, in any segmentation: the same answer, and no error but a fault (QUIRKS APP-22)',
    async () => {
      const made = fc.tuple(fc.constantFrom(...recorded), mutations, segmentation, fc.boolean())
      await fuzz(made, 120, async ([{ bytes }, changes, sizes, streams]) => {
        const wrong = mutated(bytes, changes)
        expect(await read(wrong, sizes, streams)).toEqual(await read(wrong, [wrong.length + 1], streams))
      })
    },
    fuzzTimeout,
  )
})
