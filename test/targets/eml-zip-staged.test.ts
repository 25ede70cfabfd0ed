import { join } from 'node:path'
import { expect, it } from 'vitest'
import { collect } from '../support/collect.js'
import { memoryFolder } from '../support/folder.js'
import { deliver, lane } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { emlZipTarget } from './eml-zip-place.js'

it('gives other targets also what waits for its volume', async () => {
  await using folder = await memoryFolder()
  const ledger = new MemoryLedger()
  const target = emlZipTarget({ path: join(folder.path, 'mail.zip') }, { state: join(folder.path, 'state') })
  const texts = ['in a volume', 'staged', 'staged too'].map((text) => letter(text))
  const [first, ...others] = texts.map((text, index) => message(`key-${index}`, text))
  if (!first) throw new Error('no message')
  await deliver(target, ledger, [first])
  await deliver(target, ledger, others, { sealed: false })
  const given: string[] = []
  for await (const { chunks } of target.contents?.(lane, await ledger.load(lane), ledger.receipts(lane)) ?? []) {
    given.push(Buffer.concat(await collect(chunks)).toString())
  }
  expect(given).toEqual(texts)
})
