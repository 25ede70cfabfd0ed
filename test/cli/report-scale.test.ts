import { mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLedger } from '../../src/ledgers/sqlite.js'
import { noCounts } from '../../src/ports/event.js'
import type { Failure, Untried } from '../../src/ports/ledger.js'
import type { MessageKey } from '../../src/ports/message.js'
import type { Position } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { canMount, mountTmpfs, peakMemoryMiB } from '../support/machine.js'
import { type Running, startPopferry, type TempFolder, tempFolder, writePlan } from '../support/rig.js'

const accounts = 300
const copied = 1000
const failed = 150_000
const pending = 50_000
const names = Array.from({ length: accounts }, (_, index) => `user${index}`)

let folder: TempFolder

/** What runs would have recorded: 300 accounts with everything, and one of which nothing could be had. */
beforeAll(async () => {
  folder = await tempFolder()
  await writePlan(folder, {
    accounts: [...names, 'large'].map((name) => ({
      name,
      source: { host: 'pop.old.example', user: name, password: 'x' },
      targets: [{ type: 'maildir', path: `mail/${name}` }],
    })),
  })
  await using ledger = await openLedger({ folder: folder.at('migrate.state'), readOnly: false, clock })
  await ledger.enrol(
    [...names, 'large'].map((account) => {
      const lanes = [{ target: 'maildir', place: `maildir:/mail/${account}` }]
      return { account, host: 'pop.old.example:995', user: account, lanes }
    }),
  )
  await ledger.startRun('r', 1)
  for (const [index, account] of names.entries()) {
    const receipts = Array.from({ length: copied }, (_, number) =>
      receipt(`${account}-${number}`, { date: Date.UTC(2000 + (number % 26), 5) }),
    )
    const committed = { receipts, position: 'p' as Position, at: Date.UTC(2026, 0) + index * 10_000 }
    await ledger.advance({ account, target: 'maildir' }, { committed })
    const listing = { counts: { ...noCounts, listed: copied, copied }, untried: [] }
    await ledger.finishAccount(account, { run: 'r', at: 2, status: 'ok', failures: [], listing })
  }
  const key = (text: string, number: number): MessageKey => `${text}${String(number).padStart(60, '0')}` as MessageKey
  const failures = Array.from({ length: failed }, (_, number): Failure => {
    const error = `the server does not hand out the message (pop.old.example:995, RETR ${number}): "-ERR <no>"`
    return { key: key('f', number), code: 'retr-refused', error, size: number }
  })
  const untried = Array.from({ length: pending }, (_, number): Untried => {
    return { state: 'pending', key: key('p', number), size: number }
  })
  const counts = { ...noCounts, listed: failed + pending, failed, pending }
  await ledger.finishAccount('large', { run: 'r', at: 2, status: 'incomplete', failures, listing: { counts, untried } })
  await ledger.finishRun('r', 3, 3)
}, 120_000)

afterAll(async () => {
  await folder[Symbol.asyncDispose]()
})

function start(output: string): Running {
  return startPopferry(['report', '--output', output], { cwd: folder.path })
}

function endOf({ finished }: Running): AbortSignal {
  const ended = new AbortController()
  void finished.finally(() => {
    ended.abort()
  })
  return ended.signal
}

async function peakOf(running: Running): Promise<number> {
  const ended = endOf(running)
  let peak = 0
  while (!ended.aborted) {
    // The last look may come after its end.
    peak = Math.max(peak, await peakMemoryMiB(running.pid).catch(() => 0))
    await sleep(20)
  }
  return peak
}

const drafts = async (path = folder.path): Promise<readonly string[]> =>
  (await readdir(path)).filter((name) => name.startsWith('.popferry-'))

describe('a report on 300,000 copied and 200,000 uncopied messages', { timeout: 300_000 }, () => {
  it.each(['r.html', 'r.json'])('names each one in bounded memory: %s', async (name) => {
    await using running = start(name)
    const peak = await peakOf(running)
    expect(await running.finished).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^200,000 messages are missing\. 301 accounts, /) as string,
    })
    const { size } = await stat(folder.at(name))
    process.stdout.write(`${name}: ${Math.round(size / 2 ** 20)} MiB, written in at most ${Math.round(peak)} MiB\n`)
    // The contract's 150 MB beyond `limits.memory`, which a report has no use for.
    if (process.platform === 'linux') expect(peak).toBeLessThan(214)
    const text = await readFile(folder.at(name), 'utf8')
    expect(text.match(/\bf0{54}\d{6}\b/g)).toHaveLength(failed)
    expect(text.match(/\bp0{54}\d{6}\b/g)).toHaveLength(pending)
    expect(await drafts()).toEqual([])
  })

  it('leaves the old report whole when it is killed while it writes', async () => {
    const before = await readFile(folder.at('r.html'))
    for (const octets of [1, 20_000_000]) {
      await using running = start('r.html')
      // Where it ends too early it was not killed, and the test fails.
      const ended = endOf(running)
      for (let written = 0; written < octets && !ended.aborted;) {
        const [draft] = await drafts()
        if (draft !== undefined)
          written = await stat(folder.at(draft)).then(
            ({ size }) => size,
            () => octets,
          )
        await sleep(1)
      }
      running.kill('SIGKILL')
      expect((await running.finished).signal).toBe('SIGKILL')
      expect((await readFile(folder.at('r.html'))).equals(before)).toBe(true)
      for (const left of await drafts()) await unlink(folder.at(left))
    }
  })

  it.skipIf(!canMount)(
    'says so where the disk is full, and keeps the old report (skipped unless root may mount one)',
    async () => {
      const path = folder.at('small')
      await mkdir(path)
      using mounted = mountTmpfs(path, 'size=30m')
      expect(mounted).toBeDefined()
      await (await open(folder.at('small', 'r.html'), 'w')).close()
      await using running = start('small/r.html')
      const { code, stdout, stderr } = await running.finished
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(/cannot write .*r\.html: no space \(or no inodes\) left on the disk/)
      expect((await stat(folder.at('small', 'r.html'))).size).toBe(0)
      expect(await drafts(path)).toEqual([])
    },
  )
})
