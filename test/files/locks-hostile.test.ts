import { createHash } from 'node:crypto'
import { readFile, readdir, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { takeDotlock } from '../../src/files/dotlock.js'
import { type Lock, takeLock } from '../../src/files/lock.js'
import { MboxFile } from '../../src/targets/mbox-file.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { systemClock } from '../support/clock.js'

/** What happens before each call of the file system; a test's own way to fail it or to let others act in between. */
let before: ((call: string, path: string) => Promise<void>) | undefined

vi.mock('node:fs/promises', async (original) => {
  const real = await original<Record<string, unknown>>()
  const watched = Object.entries(real).map(([call, act]) => [
    call,
    typeof act !== 'function'
      ? act
      : async (...values: unknown[]): Promise<unknown> => {
          await before?.(call, String(values.at(call === 'link' ? 1 : 0)))
          return (act as (...values: unknown[]) => unknown)(...values)
        },
  ])
  return Object.fromEntries(watched) as unknown
})

let folder: TemporaryFolder
let path: string

beforeEach(async () => {
  folder = await memoryFolder()
  path = join(folder.path, 'the.lock')
})

afterEach(async () => {
  before = undefined
  await folder[Symbol.asyncDispose]()
})

const holder = { run: 'run-1', what: 'the test' }
const nobody = 2 ** 22 + 1

/** The machine's time, to which file times belong; one pause uses up all patience. */
const clock = (): Parameters<typeof takeDotlock>[2] => {
  let ms = 0
  return {
    now: () => Date.now(),
    monotonic: () => ms,
    sleep: async () => {
      ms += 30_000
    },
  }
}

const lockOf = async (change: Record<string, unknown>): Promise<string> => {
  const lock = await takeLock(path, holder)
  const mine = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  await lock.release()
  return JSON.stringify({ ...mine, ...change })
}

const codeOf = (taking: Promise<Lock>): Promise<string> =>
  taking.then(
    () => 'taken',
    (fault: unknown) => (fault as { code: string }).code,
  )

const rightFor = (text: string): string =>
  `${path}.dead-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`

/**
 * One contender is stopped before its `first` and before its `second` look at or change of what all of them see, and
 * each time another one tries from start to end. Returns what became of it and of those whose turn came.
 */
async function contend(take: () => Promise<Lock>, first: number, second: number): Promise<string[]> {
  const others: string[] = []
  let calls = 0
  const step = async (_: string, at: string): Promise<void> => {
    if (!at.startsWith(path) || /\.[0-9a-f]{12}$/.test(at)) return
    const now = calls++
    if (now !== first && now !== second) return
    before = undefined
    others.push(await codeOf(take()))
    before = step
  }
  before = step
  const outcome = await codeOf(take())
  before = undefined
  return [outcome, ...others]
}

describe('a stale lock that three contend for', () => {
  const old = new Date(Date.now() - 60 * 60_000)
  const dotlock = (): Promise<Lock> => takeDotlock(path.slice(0, -'.lock'.length), holder, clock())

  it.each<[string, string, () => Promise<string>, () => Promise<Lock>]>([
    ['a lock', 'of a dead process', () => lockOf({ pid: nobody }), () => takeLock(path, holder)],
    ['a dotlock', 'of another program', async () => '4711', dotlock],
    ['a dotlock', 'of a dead process', () => lockOf({ pid: nobody }), dotlock],
  ])('is won by one of them, wherever they interrupt each other: %s %s', async (_, __, text, take) => {
    const stale = await text()
    let tried = 0
    for (let first = 0, second = 1; ; tried++) {
      await writeFile(path, stale)
      await utimes(path, old, old)
      const outcomes = await contend(take, first, second)
      const winners = outcomes.filter((outcome) => outcome === 'taken')
      expect(winners, `interrupted before ${first} and ${second}: ${String(outcomes)}`).toHaveLength(1)
      expect(await readdir(folder.path)).toEqual(['the.lock'])
      await rm(path)
      if (outcomes.length === 1) break
      if (outcomes.length === 2) second = ++first
      second++
    }
    expect(tried).toBeGreaterThan(30)
  })

  it('is not removed by whoever does not get the right to, nor is that right if its holder lives', async () => {
    const stale = await lockOf({ pid: nobody })
    const right = await takeLock(rightFor(stale), holder)
    await writeFile(path, stale)
    await expect(takeLock(path, holder)).rejects.toMatchObject({ code: 'held' })
    expect(await readFile(path, 'utf8')).toBe(stale)
    await rm(path)
    await takeLock(path, holder)
    expect(await right.isOurs()).toBe(true)
  })

  it('is taken though those who were removing it were killed, and nothing of theirs remains', async () => {
    const stale = await lockOf({ pid: nobody })
    const right = await lockOf({ pid: nobody, run: 'killed' })
    await writeFile(path, stale)
    await writeFile(rightFor(stale), right)
    await writeFile(rightFor('of an earlier one'), right)
    await writeFile(`${rightFor('of an earlier one')}.dead-0123456789abcdef`, right)
    await writeFile(`${path}.0123456789ab`, '')
    await writeFile(`${rightFor('of an earlier one')}.0123456789ab`, '')
    await takeLock(path, holder)
    expect(await readdir(folder.path)).toEqual(['the.lock'])
  })

  it('takes a draft from nobody who lives: whoever misses theirs makes another one', async () => {
    let missed = 0
    before = async (call): Promise<void> => {
      if (call !== 'link' || missed++ > 0) return
      for (const draft of await readdir(folder.path)) await rm(join(folder.path, draft))
    }
    const lock = await takeLock(path, holder)
    before = undefined
    expect(missed).toBe(2)
    expect(await lock.isOurs()).toBe(true)
    expect(await readdir(folder.path)).toEqual(['the.lock'])
  })
})

describe.skipIf(process.platform !== 'linux')('the lock of another container (skipped unless on Linux)', () => {
  const space = 'pid:[1]'

  it('names its own', async () => {
    expect(JSON.parse(await lockOf({}))).toMatchObject({ space: await readlink('/proc/self/ns/pid') })
  })

  it('is held while the system is up, whatever the pid says here, and says what to do', async () => {
    const text = await lockOf({ space, pid: nobody })
    await writeFile(path, text)
    await expect(takeLock(path, holder)).rejects.toMatchObject({
      code: 'held',
      hint: 'if that run is gone, try again in two minutes',
    })
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  it('is taken over once nothing was heard of its holder for two minutes: a container that was started anew', async () => {
    await writeFile(path, await lockOf({ space, pid: nobody }))
    const before = new Date(Date.now() - 121_000)
    await utimes(path, before, before)
    await (await takeLock(path, holder)).release()
  })

  it.each([
    ['after the system was started anew', { space, process: 'another-boot 1' }, 'taken'],
    ['if it is too old to name one and its process is gone', { space: undefined, pid: nobody }, 'taken'],
    ['if it is too old to name one and its process lives', { space: undefined }, 'held'],
  ])('%s: %j is %s', async (_, change, outcome) => {
    await writeFile(path, await lockOf(change))
    expect(await codeOf(takeLock(path, holder))).toBe(outcome)
  })
})

describe('a lock that is another’s by now', () => {
  const mbox = (): string => join(folder.path, 'mbox')

  it.each(['4711', ''])('stays at release: %j', async (text) => {
    const lock = await takeDotlock(mbox(), holder, clock())
    expect(await lock.isOurs()).toBe(true)
    await rm(`${mbox()}.lock`)
    expect(await lock.isOurs()).toBe(false)
    await writeFile(`${mbox()}.lock`, text)
    expect(await lock.isOurs()).toBe(false)
    await lock.release()
    expect(await readFile(`${mbox()}.lock`, 'utf8')).toBe(text)
  })

  it('lets no batch be committed', async () => {
    const newline = Buffer.from('\n')
    const file = await MboxFile.open({
      ...{ path: mbox(), mode: 0o600, owner: undefined, run: 'run-1', clock: { ...systemClock, ...clock() }, newline },
    })
    await file.append([Buffer.from('From a\n\n\n')])
    await file.commit()
    await file.append([Buffer.from('From b\n\n\n')])
    await rm(`${mbox()}.lock`)
    await writeFile(`${mbox()}.lock`, '4711')
    await expect(file.commit()).rejects.toMatchObject({ code: 'mbox-locked' })
    await file.close()
    expect(await readFile(`${mbox()}.lock`, 'utf8')).toBe('4711')
  })

  it('is not taken by the next message of a batch whose first one has failed', async () => {
    const newline = Buffer.from('\n')
    const file = await MboxFile.open({
      ...{ path: mbox(), mode: 0o600, owner: undefined, run: 'run-1', clock: { ...systemClock, ...clock() }, newline },
    })
    before = async (call) => {
      if (call === 'link') throw Object.assign(new Error('EIO: link'), { code: 'EIO' })
    }
    await expect(file.append([Buffer.from('From a\n\n\n')])).rejects.toMatchObject({ code: 'io' })
    before = async () => undefined
    // What is left behind must be a prefix of what was announced.
    await expect(file.append([Buffer.from('From b\n\n\n')])).rejects.toMatchObject({ code: 'io' })
    await expect(file.commit()).rejects.toMatchObject({ code: 'io' })
    await file.close()
    expect(await readFile(mbox(), 'utf8')).toBe('')
  })

  it('is waited for, not followed, where it is a link', async () => {
    await symlink('nowhere', `${mbox()}.lock`)
    expect(await codeOf(takeDotlock(mbox(), holder, clock()))).toBe('mbox-locked')
  })
})

describe('a file system without hard links', () => {
  const refuseLinks = (code: string): void => {
    before = async (call) => {
      if (call === 'link') throw Object.assign(new Error(`${code}: link`), { code })
    }
  }

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('%s: locks all the same', async (code) => {
    const stale = await lockOf({ pid: nobody })
    refuseLinks(code)
    await writeFile(path, stale)
    const lock = await takeLock(path, holder)
    expect(await codeOf(takeLock(path, holder))).toBe('held')
    expect(await readdir(folder.path)).toEqual(['the.lock'])
    await lock.release()
    expect(await readdir(folder.path)).toEqual([])
  })

  it('is not one that fails otherwise', async () => {
    refuseLinks('EIO')
    await expect(takeLock(path, holder)).rejects.toMatchObject({ code: 'io' })
    expect(await readdir(folder.path)).toEqual([])
  })
})
