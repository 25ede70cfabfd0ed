import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sweepDotlock, takeDotlock } from '../../src/files/dotlock.js'
import { takeLock } from '../../src/files/lock.js'
import { InstantClock } from '../support/clock.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder
let path: string
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await memoryFolder()
  path = join(folder.path, 'the.lock')
})

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  await folder[Symbol.asyncDispose]()
})

const holder = { run: 'run-1', what: 'the test' }

/** A process with the built program's lock module, as users run it (`npm test` builds it). */
function start(program: string): ChildProcess {
  const module = new URL('../../build/src/files/lock.js', import.meta.url).href
  const text = `import { takeLock } from ${JSON.stringify(module)}
    import { writeSync, readFileSync, writeFileSync } from 'node:fs'
    const [path] = process.argv.slice(1)
    const say = (line) => writeSync(1, line + '\\n')
    ${program}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

const lines = (child: ChildProcess): AsyncIterator<string> =>
  createInterface({ input: child.stdout! })[Symbol.asyncIterator]()

/** The lock of a process that was killed while it held it. */
async function leaveStale(): Promise<string> {
  const child = start(`await takeLock(path, { run: 'r', what: 'w' }); say('held'); process.stdin.resume()`)
  expect((await lines(child).next()).value).toBe('held')
  child.kill('SIGKILL')
  await once(child, 'exit')
  return readFile(path, 'utf8')
}

describe('takeLock (QUIRKS PRC-03)', () => {
  it('says who holds it, privately, and lets go once', async () => {
    const lock = await takeLock(path, holder)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname(), ...holder })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await expect(takeLock(path, holder)).rejects.toMatchObject({
      code: 'held',
      message: expect.stringMatching(`^process ${process.pid} on .* holds the test since `) as string,
    })
    await lock.release()
    expect(await readdir(folder.path)).toEqual([])
    await takeLock(path, holder)
    await lock.release()
    expect(await readdir(folder.path)).toEqual(['the.lock'])
  })

  it.skipIf(process.platform !== 'linux')(
    'is taken over from a process that was killed (skipped unless on Linux)',
    async () => {
      const stale = await leaveStale()
      await takeLock(path, holder)
      expect(await readFile(path, 'utf8')).not.toBe(stale)
      expect(await readdir(folder.path)).toEqual(['the.lock'])
    },
  )

  const mine = async (): Promise<Record<string, unknown>> => {
    const lock = await takeLock(path, holder)
    const text = await readFile(path, 'utf8')
    await lock.release()
    return JSON.parse(text) as Record<string, unknown>
  }

  it.each([
    ['of another host', { host: 'other.example', process: 'gone' }, 'held'],
    ['of a process that lives', {}, 'held'],
    ['of another process that had this pid before', { process: 'boot 1' }, 'taken'],
    ['of a pid that is free', { pid: 2 ** 22 + 1 }, 'taken'],
  ])('whose file is %s', async (_, difference, outcome) => {
    const text = JSON.stringify({ ...(await mine()), ...difference })
    await writeFile(path, text)
    const taken = takeLock(path, holder).then(
      async (lock) => lock.release().then(() => 'taken'),
      (fault: unknown) => (fault as { code: string }).code,
    )
    expect(await taken).toBe(outcome)
    if (outcome === 'held') expect(await readFile(path, 'utf8')).toBe(text)
  })

  it.each(['', 'not JSON', '4711', 'null', '{"pid":1}'])('leaves a file alone that holds %j', async (text) => {
    await writeFile(path, text)
    await expect(takeLock(path, holder)).rejects.toMatchObject({ code: 'held' })
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  it('removes the drafts of dead processes only', async () => {
    const dead = JSON.stringify({ ...(await mine()), process: 'gone before' })
    const living = JSON.stringify(await mine())
    const files = { [`${path}.0123456789ab`]: dead, [`${path}.0123456789ac`]: living, [`${path}.txt`]: dead }
    for (const [file, text] of Object.entries(files)) await writeFile(file, text)
    await takeLock(path, holder)
    expect(await readdir(folder.path)).toEqual(['the.lock', 'the.lock.0123456789ac', 'the.lock.txt'])
  })

  it('says why where there is no folder for it', async () => {
    await expect(takeLock(join(path, 'x'), holder)).rejects.toMatchObject({ code: 'io' })
  })

  it.skipIf(process.platform !== 'linux')(
    'is held by one of two processes that find it stale (skipped unless on Linux)',
    async () => {
      const stale = await leaveStale()
      // Both are there and wait; each tries on a line of input, and holds until the next one.
      const racer = `
      import { createInterface } from 'node:readline'
      let lock
      for await (const _ of createInterface({ input: process.stdin })) {
        await lock?.release()
        lock = lock ? undefined : await takeLock(path, { run: 'r', what: 'w' }).catch((fault) => void say(fault.code))
        if (lock) say('taken')
        else say('free')
      }`
      const racers = [start(racer), start(racer)]
      const said = racers.map(lines)
      for (let round = 0; round < 20; round++) {
        await rm(path, { force: true })
        await writeFile(path, stale)
        for (const { stdin } of racers) stdin!.write('\n')
        const outcomes = await Promise.all(said.map(async (one) => (await one.next()).value as string))
        expect(outcomes.toSorted(), `round ${round}`).toEqual(['held', 'taken'])
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome === 'held') expect((await said[index]!.next()).value).toBe('free')
          else {
            racers[index]!.stdin!.write('\n')
            expect((await said[index]!.next()).value).toBe('free')
          }
        }
      }
    },
  )
})

describe('sweepDotlock', () => {
  it('removes what a killed run of ours has left, draft and all', async () => {
    await writeFile(`${path}.0123456789ab`, await leaveStale())
    await sweepDotlock(join(folder.path, 'the'), holder)
    expect(await readdir(folder.path)).toEqual([])
  })

  it('leaves what is of another program or of a run that lives, and waits for neither', async () => {
    const foreign = join(folder.path, 'of-others.lock')
    await writeFile(foreign, '4711')
    await sweepDotlock(join(folder.path, 'of-others'), holder)
    await using lock = await takeLock(path, holder)
    await sweepDotlock(join(folder.path, 'the'), holder)
    expect(await lock.isOurs()).toBe(true)
    expect((await readdir(folder.path)).sort()).toEqual(['of-others.lock', 'the.lock'])
  })
})

describe('takeDotlock (QUIRKS MBX-09)', () => {
  const fresh = (clock: InstantClock, ageMs: number): Promise<void> => {
    const then = new Date(clock.now() - ageMs)
    return utimes(`${path}.lock`, then, then)
  }

  it('waits half a minute for another program, and says whom for', async () => {
    const clock = new InstantClock()
    await writeFile(`${path}.lock`, '4711')
    await fresh(clock, 0)
    await expect(takeDotlock(path, holder, clock)).rejects.toMatchObject({
      code: 'mbox-locked',
      message: expect.stringContaining(`${path}.lock`) as string,
    })
    expect(clock.monotonic()).toBe(30_000)
  })

  it.each([
    ['15 minutes', 15 * 60_000, 'taken'],
    ['a bit less', 15 * 60_000 - 40_000, 'mbox-locked'],
  ])('takes one that nobody has touched for %s: %i ms, %s', async (_, ageMs, outcome) => {
    const clock = new InstantClock()
    await writeFile(`${path}.lock`, '')
    await fresh(clock, ageMs)
    const taken = takeDotlock(path, holder, clock).then(
      () => 'taken',
      (fault: unknown) => (fault as { code: string }).code,
    )
    expect(await taken).toBe(outcome)
  })

  it('tells others by the time of the file that it is in use', async () => {
    const clock = new InstantClock()
    await using lock = await takeDotlock(path, holder, clock)
    await clock.sleep(60 * 60_000)
    await lock.refresh()
    expect((await stat(`${path}.lock`)).mtimeMs).toBe(clock.now())
  })

  it('passes on what is wrong with the folder', async () => {
    await expect(takeDotlock(join(path, 'x', 'y'), holder, new InstantClock())).rejects.toMatchObject({ code: 'io' })
  })
})
