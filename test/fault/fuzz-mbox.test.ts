import fc from 'fast-check'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/ports/fault.js'
import type { Accounted } from '../../src/ports/target.js'
import { fromLines } from '../../src/targets/mbox-scan.js'
import { collect } from '../support/collect.js'
import { memoryFolder } from '../support/folder.js'
import { deliver, lane, readBack } from '../support/lane-loop.js'
import { message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { mboxTarget } from '../targets/mbox-place.js'
import { fuzz, fuzzTimeout, mutated, mutations, seed } from './fuzz.js'

/** What the scan reads at a time: a line that lies across its border must be found as well. */
const page = 1024 * 1024
const piece = fc.constantFrom(
  'From ',
  'From',
  'F',
  'rom ',
  '\n',
  '\r\n',
  '>From ',
  'x',
  '\n\nFrom a\n',
  '\nFr',
  'om b\n',
)
const tail = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))

/** The obvious way: all offsets at the start of a line where a From_ line begins, or the end of the file cuts one off. */
function starts(text: string): readonly number[] {
  const found: number[] = []
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at, at + 5)
    if ((at === 0 || text[at - 1] === '\n') && 'From '.startsWith(rest)) found.push(at)
  }
  return found
}

const messages = ['one', 'From the second\r\n\r\n', 'three\nwith bare feeds\n', ''].map((text, index) =>
  message(`key-${index}`, `Subject: ${index}\r\n\r\nFrom ${text}\r\n>From here\r\n`),
)
const further = message('key-new', 'Subject: new\r\n\r\nnew\r\n')
const variants = ['mboxrd', 'mboxo', 'mboxcl2'] as const

describe(`mbox, seed ${seed}`, () => {
  it(
    'finds each From_ line, also across the border of what is read at a time',
    async () => {
      await using folder = await memoryFolder()
      const path = join(folder.path, 'mbox')
      await fuzz(fc.tuple(tail, fc.integer({ min: 0, max: 14 })), 60, async ([text, before]) => {
        const whole = 'x'.repeat(page - before) + text
        await writeFile(path, whole, 'latin1')
        const file = await open(path)
        try {
          // From there on: the place itself counts as the start of a line.
          const from = page - before
          expect(await fromLines(file, from, whole.length)).toEqual(starts(text).map((at) => at + from))
        } finally {
          await file.close()
        }
      })
    },
    fuzzTimeout,
  )

  it.each(variants)(
    '%s that anything has happened to: read back, looked through and written on without a bug, foreign bytes unharmed',
    async (variant) => {
      await fuzz(fc.tuple(mutations, fc.boolean()), 40, async ([changes, announced]) => {
        await using folder = await memoryFolder()
        const path = join(folder.path, 'mbox')
        const ledger = new MemoryLedger()
        await deliver(mboxTarget({ path, variant }), ledger, messages, { sealed: !announced })
        const healthy = await readFile(path)
        const wrong = mutated(healthy, changes)
        await writeFile(path, wrong)

        const states = await orFault(async () => readBack(mboxTarget({ path, variant }), ledger))
        if (states) {
          expect(states).toHaveLength(messages.length)
          if (healthy.equals(wrong)) expect(states).toEqual(messages.map(() => 'intact'))
        }
        await orFault(async () => {
          const accounted: Accounted = { receipts: ledger.receipts(lane), wants: () => true }
          const others = mboxTarget({ path, variant }).others(lane, await ledger.load(lane), accounted)
          for (const { seen } of await collect(others)) expect(seen).toContain(path)
        })
        const receipts = await orFault(async () => deliver(mboxTarget({ path, variant }), ledger, [further]))
        const now = await readFile(path)
        if (!receipts) expect(now).toEqual(wrong)
        else {
          expect(now.subarray(0, wrong.length)).toEqual(wrong)
          expect((await readBack(mboxTarget({ path, variant }), ledger)).at(-1)).toBe('intact')
        }
      })
    },
    fuzzTimeout,
  )
})

/** Undefined where it refuses. */
async function orFault<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(Fault)
    expect(error).not.toMatchObject({ code: 'internal' })
    return undefined
  }
}
