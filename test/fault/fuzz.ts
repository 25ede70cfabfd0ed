import fc from 'fast-check'
import { expect } from 'vitest'

/** Printed with every test that it decides: `POPFERRY_SEED=n` makes the same again. */
export const seed = Number(process.env['POPFERRY_SEED'] ?? Date.now() % 1_000_000_000)

/** How long each fuzzer goes on; else it tries so many times as takes a few seconds. */
const minutes = Number(process.env['POPFERRY_FUZZ_MINUTES'] ?? 0)

/** For the test around `fuzz`. */
export const fuzzTimeout = (minutes + 2) * 60_000

/** Tries the property with what chance makes of the arbitrary, and reports the smallest that fails. */
export async function fuzz<T>(made: fc.Arbitrary<T>, runs: number, property: (one: T) => Promise<void>): Promise<void> {
  let tries = 0
  const counted = fc.asyncProperty(made, async (one) => {
    tries++
    await property(one)
  })
  const longer = { numRuns: 1_000_000_000, interruptAfterTimeLimit: minutes * 60_000, markInterruptAsFailure: false }
  await fc.assert(counted, { seed, ...(minutes > 0 ? longer : { numRuns: runs }) })
  if (minutes > 0) process.stdout.write(`${expect.getState().currentTestName}: ${tries} tries\n`)
}

/** One change of a text of octets. */
export interface Mutation {
  /** Where, from 0 (the beginning) to 1. */
  readonly at: number
  readonly kind: 'replace' | 'insert' | 'remove' | 'repeat' | 'cut'
  readonly octets: string
  readonly count: number
}

/** What parsers have stumbled over, here and elsewhere. */
const interesting = [
  ...['\r', '\n', '\r\n', '\r\r\n', '.', '\r\n.\r\n', '.\r', '\n.\n', '..', '\0', '\xff', '\x80', ' ', '\t', '  '],
  ...['0', '-1', '1e9', '4294967296', '99999999999999999999', '+OK', '+OK\r\n', '-ERR', '+', '+ \r\n', '* ', '*'],
  ...['(', ')', '((', '[', ']', '"', '\\', '{', '}', '{3}\r\n', '~{0}\r\n', '{999999}\r\n', '{4294967296}\r\n', 'NIL'],
  ...['A1 OK\r\n', '* BYE\r\n', '* 1 FETCH (UID 1 BODY[] {2}\r\n', '[APPENDUID 1 1]', '[CAPABILITY (]', '[', '\x1b[2J'],
  ...['x'.repeat(9000), '('.repeat(40), '1 a\r\n', 'From ', '\nFrom ', '\n\nFrom x\n', '>From '],
]

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('replace', 'insert', 'remove', 'repeat', 'cut'),
  octets: fc.oneof(
    fc.constantFrom(...interesting),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
  count: fc.integer({ min: 1, max: 40 }),
})

/** At most a few: a text with many is refused at the first. */
export const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })

export function mutated(bytes: Buffer, changes: readonly Mutation[]): Buffer {
  return changes.reduce(change, bytes)
}

function change(bytes: Buffer, { at, kind, octets, count }: Mutation): Buffer {
  const from = Math.floor(at * bytes.length)
  const [before, behind] = [bytes.subarray(0, from), bytes.subarray(from)]
  const put = Buffer.from(octets, 'latin1')
  switch (kind) {
    case 'replace':
      return Buffer.concat([before, put, behind.subarray(put.length)])
    case 'insert':
      return Buffer.concat([before, put, behind])
    case 'remove':
      return Buffer.concat([before, behind.subarray(count)])
    case 'repeat':
      return Buffer.concat([before, behind.subarray(0, count), behind.subarray(0, count), behind])
    case 'cut':
      return before
  }
}

/** How a text is cut into segments: each as long as the next of these says, over and over; 0 is one segment for all. */
export const segmentation = fc.oneof(
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
)

export function segments(bytes: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? bytes.length
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  return parts
}
