import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { FakeImapServer } from '../support/fake-imap-server.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { tempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'
import { imapTargetAt } from './imap-scene.js'
import { run } from './run.js'
import { thorough } from './scene.js'
import { compare, count } from './tally.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

interface Sample {
  readonly at: number
  readonly handles: number
  readonly heapMiB: number
}

function sample(): Sample {
  collectGarbage()
  return {
    at: performance.now(),
    handles: readdirSync('/proc/self/fd').length,
    heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
  }
}

/** Told for the record; what a run of the same work needs twice as much of at its end as at its beginning has grown. */
function requireSteady(samples: readonly Sample[], what: string): void {
  const [first, middle, last] = [samples.at(1), samples.at(samples.length >> 1), samples.at(-1)]
  if (!first || !middle || !last) throw new Error('too few samples')
  const [early, late] = [middle.at - first.at, last.at - middle.at]
  const figures = [first, middle, last].map(
    ({ handles, heapMiB }) => `${handles} handles, ${heapMiB.toFixed(1)} MiB of heap`,
  )
  process.stdout.write(
    `${what}: ${figures.join('; ')}; first half ${Math.round(early)} ms, second ${Math.round(late)} ms\n`,
  )
  expect(last.handles).toBeLessThanOrEqual(first.handles + 2)
  expect(last.heapMiB - middle.heapMiB).toBeLessThan(Math.max(8, (middle.heapMiB - first.heapMiB) / 2))
  // In a short soak, somebody else may have kept the machine busy during one of the halves.
  if (thorough) expect(late).toBeLessThan(3 * early)
}

it('a server that hangs up every few messages: no session leaves anything behind', async (context) => {
  context.skip(process.platform !== 'linux', 'only Linux shows in /proc what is open')
  const atOnce = 5
  const sessions = thorough ? 1000 : 40
  const messages = Array.from({ length: atOnce * sessions }, (_, index) => `Subject: ${index}\r\n\r\ntext\r\n`)
  await using server = await FakePop3Server.start({ messages, cutEvery: atOnce })
  await using imap = await FakeImapServer.start({})
  await using folder = await tempFolder()
  const timeouts = { connect: 5000, reply: 5000, stall: 5000, settle: 20 }
  const samples: Sample[] = []
  let listings = 0
  const outcome = await run(server, folder, new Steps(), {
    targets: ['maildir'],
    more: [{ name: 'imap', target: imapTargetAt(imap, { folder: 'INBOX', timeouts }) }],
    emit: ({ type }) => {
      if (type === 'account.listed' && listings++ % Math.ceil(sessions / 20) === 0) samples.push(sample())
    },
  })
  expect(outcome.accounts[0]?.faults).toEqual([])
  expect(outcome.counts).toMatchObject({ copied: messages.length, failed: 0 })
  expect(server.sessions.length).toBeGreaterThanOrEqual(sessions)
  const stored = imap.store.messages('INBOX').map(({ bytes }) => bytes.toString('latin1'))
  const checked = compare(stored, messages)
  expect(checked).toMatchObject({ lost: 0, doubled: 0 })
  count(context, { cuts: sessions, ...checked })
  requireSteady(samples, `${server.sessions.length} sessions of one run`)
}, 3_600_000)

it('one run after the other in one process: none leaves anything behind', async (context) => {
  context.skip(process.platform !== 'linux', 'only Linux shows in /proc what is open')
  await using server = await FakePop3Server.start({ messages: [] })
  await using folder = await tempFolder()
  const runs = thorough ? 1500 : 40
  const samples: Sample[] = []
  for (let done = 0; done < runs; done++) {
    server.messages = [`Subject: ${done}\r\n\r\ntext\r\n`].map((text) => ({
      uidl: `id-${done}`,
      size: text.length,
      open: () => [Buffer.from(text)],
    }))
    const { counts, accounts } = await run(server, folder, new Steps(), { targets: ['mbox'] })
    expect({ counts, faults: accounts[0]?.faults }).toMatchObject({ counts: { copied: 1 }, faults: [] })
    if (done % Math.ceil(runs / 20) === 0) samples.push(sample())
  }
  requireSteady(samples, `${runs} runs`)
}, 3_600_000)
