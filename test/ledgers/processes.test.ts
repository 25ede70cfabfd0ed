import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/ledgers/driver.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Ledger } from '../../src/ports/ledger.js'
import type { Position } from '../../src/ports/target.js'
import { receipt } from '../contract/ledger.js'
import { systemClock as clock } from '../support/clock.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

const lane = { account: 'a', target: 't' }
const batch = 40

let folder: TemporaryFolder
let children: ChildProcess[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  await using ledger = await open()
  await ledger.enrol([{ account: 'a', host: 'h', user: 'u', lanes: [{ target: 't', place: 'p' }] }])
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map(async (child) => ended(child)))
  children = []
  await folder[Symbol.asyncDispose]()
})

const open = async (readOnly = false): Promise<Ledger> => openLedger({ folder: folder.path, readOnly, clock })

/** What every child starts with; the built program, so that it is what users run (`npm test` builds it). */
const prelude = `
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLedger } from ${JSON.stringify(new URL('../../build/src/ledgers/sqlite.js', import.meta.url).href)}
const clock = { now: Date.now, monotonic: () => performance.now(), sleep: (ms) => sleep(ms), random: () => 1 }
const [folder] = process.argv.slice(1)
const open = (readOnly) => openLedger({ folder, readOnly, clock })
const lane = { account: 'a', target: 't' }
const say = (line) => writeSync(1, line + '\\n')
const receipt = (key) => ({ key, sha256: 'ab'.repeat(32), size: 10, where: 'w-' + key, flags: [] })
const keys = (n) => Array.from({ length: ${batch} }, (_, i) => n + '-' + i)
const announced = (n) => keys(n).map((key) => ({ key, sha256: 'cd'.repeat(32), size: 10 }))
const step = (n) => ({
  committed: { receipts: keys(n).map(receipt), position: 'p' + n, at: n },
  begun: { announced: announced(n + 1), position: 'p' + n, at: n },
})
`

/** Advances for ever, and says which step is durable. */
const writer = `${prelude}
const ledger = await open(false)
for (let n = (await ledger.load(lane)).receipts / ${batch}; ; n++) { await ledger.advance(lane, step(n)); say(n) }`

function start(program: string, command = process.execPath, before: readonly string[] = []): ChildProcess {
  const child = spawn(command, [...before, '--input-type=module', '--eval', program, folder.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

/** Its lines as they come; then what it said on stderr. */
async function* lines(child: ChildProcess): AsyncIterable<string> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) return
  yield* createInterface({ input: stdout })
  for await (const chunk of stderr) yield `stderr: ${String(chunk)}`
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

describe('the ledger between processes', () => {
  it('has everything that was acknowledged when its writer is killed (QUIRKS FS-11)', async () => {
    let acknowledged = -1
    for (const kill of [1, 7, 30, 3, 55, 18]) {
      const child = start(writer)
      let heard = 0
      for await (const line of lines(child)) {
        // The signal comes while the writer is already busy with what follows; what it still said counts as well.
        if (!/^\d+$/.test(line)) throw new Error(line)
        acknowledged = Number(line)
        if (++heard === kill) child.kill('SIGKILL')
      }
      await ended(child)
      // The first to look is a reader, as when somebody asks for the status after a crash.
      await using reader = await open(true)
      const receipts = (await reader.status())[0]?.targets[0]?.messages ?? 0
      expect([acknowledged + 1, acknowledged + 2]).toContain(receipts / batch)
      await using ledger = await open()
      const last = receipts / batch - 1
      expect(await ledger.load(lane)).toMatchObject({ receipts, position: `p${last}` })
      expect((await ledger.load(lane)).announced[0]?.key).toBe(`${last + 1}-0`)
      let count = 0
      for await (const { key } of ledger.receipts(lane)) {
        expect(key).toBe(`${Math.floor(count / batch)}-${count % batch}`)
        count++
      }
      expect(count).toBe(receipts)
    }
    const database = await openDatabase(join(folder.path, 'ledger.db'), { readOnly: true })
    expect(database.prepare('PRAGMA integrity_check').all()[0]).toMatchObject({ integrity_check: 'ok' })
    database.close()
  }, 60_000)

  it.each([
    ['stays open', 'const ledger = await open(true)', 'await ledger.status(); await ledger.known()'],
    [
      'opens it each time',
      '',
      'const ledger = await open(true); await ledger.status(); await ledger[Symbol.asyncDispose]()',
    ],
    [
      'reads it all',
      'const ledger = await open(true)',
      'for await (const keys of ledger.delivered(lane)); for await (const one of ledger.receipts(lane));',
    ],
  ])(
    'serves a writer and a reader that %s',
    async (_, before, look) => {
      await using ledger = await open()
      const many = Array.from({ length: 20_000 }, (_, index) => receipt(`old-${String(index).padStart(8, '0')}`))
      await ledger.advance(lane, { committed: { receipts: many, position: 'p' as Position, at: 1 } })
      const child = start(`${prelude}
      ${before}
      const look = async () => { ${look} }
      process.on('SIGTERM', () => { say('fine'); process.exit() })
      await look()
      say('looking')
      for (;;) { await look(); await sleep(0) }`)
      const said = lines(child)[Symbol.asyncIterator]()
      expect((await said.next()).value).toBe('looking')
      for (let index = 0; index < 400; index++) {
        await ledger.advance(lane, {
          committed: { receipts: [receipt(`new-${index}`)], position: 'q' as Position, at: 2 },
        })
      }
      child.kill('SIGTERM')
      expect((await said.next()).value).toBe('fine')
      expect(await ledger.load(lane)).toMatchObject({ receipts: 20_400 })
    },
    60_000,
  )

  // A limit on the size of files stands for the end of the disk: the write fails, and so does every later one.
  it.skipIf(process.platform === 'win32')('keeps what it has when the disk takes no more, and says so', async () => {
    const program = `${prelude}
      const ledger = await open(false)
      for (let n = 0; ; n++) {
        const fault = await ledger.advance(lane, step(n)).catch((error) => error)
        if (fault === undefined) continue
        say(n + ' ' + fault.code)
        say((await ledger.startRun('r', 1).catch((error) => error))?.code)
        break
      }
      await ledger[Symbol.asyncDispose]()`
    const limited = start(program, 'sh', ['-c', 'trap "" XFSZ; ulimit -f 400; exec "$0" "$@"', process.execPath])
    const said: string[] = []
    for await (const line of lines(limited)) said.push(line)
    expect(said).toEqual([expect.stringMatching(/^\d+ state-failed$/), 'state-failed'])
    await using ledger = await open()
    expect(await ledger.load(lane)).toMatchObject({ receipts: parseInt(said[0] ?? '', 10) * batch })
  })
})
