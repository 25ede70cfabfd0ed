import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { TargetPlace } from '../contract/target.js'
import { deliver, lane, signal } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { imapHarness } from './imap-place.js'

const harness = imapHarness({ capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'LITERAL+'] })
const twins = ['one', 'two', 'three'].map((key) => message(key, letter('twin')))

let place: TargetPlace
let ledger: MemoryLedger

beforeEach(async () => {
  place = harness.at(String(Math.random()).slice(2))
  ledger = new MemoryLedger()
  await place.addForeign(Buffer.from(letter('foreign')))
})

afterAll(async () => {
  await harness[Symbol.asyncDispose]()
})

describe('twins at a server that does not say UIDs are no strangers to each other', () => {
  it('in batch after batch', async () => {
    await using writer = await place.target().open(lane, await ledger.load(lane), signal)
    for (const twin of twins) {
      await writer.admit([twin])
      await writer.append(twin)
      await writer.commit()
    }
    expect(await place.stored()).toHaveLength(4)
  })

  it('in run after run', async () => {
    for (const twin of twins) await deliver(place.target(), ledger, [twin])
    expect(await place.stored()).toHaveLength(4)
    ledger = new MemoryLedger()
    await expect(deliver(place.target(), ledger, twins)).rejects.toMatchObject({ code: 'ledger-missing' })
  })
})
