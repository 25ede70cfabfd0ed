import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FileMaker, type FilledFile } from '../../src/files/file-maker.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'

type Call = (...values: unknown[]) => unknown

/** What a test does instead of a call of the file system. */
const instead: Record<string, (real: Call, ...values: unknown[]) => unknown> = {}

vi.mock('node:fs', async (original) => {
  const real = await original<Record<string, unknown>>()
  const watched = ['openSync', 'open', 'fsync', 'closeSync', 'renameSync'].map((name) => {
    const call = real[name] as Call
    return [name, (...values: unknown[]): unknown => instead[name]?.(call, ...values) ?? call(...values)]
  })
  return { ...real, ...(Object.fromEntries(watched) as object) }
})

let folder: TemporaryFolder
let files: readonly FilledFile[]

beforeEach(async () => {
  folder = await memoryFolder()
  await mkdir(join(folder.path, 'tmp'))
  await mkdir(join(folder.path, 'new'))
  files = Array.from({ length: 40 }, (_, index) => ({
    draft: join(folder.path, 'tmp', String(index)),
    place: join(folder.path, 'new', String(index)),
    bytes: Buffer.from(`message ${index}`),
    ...{ mode: 0o600, mtime: 0, owner: undefined },
  }))
})

afterEach(async () => {
  for (const name of Object.keys(instead)) Reflect.deleteProperty(instead, name)
  await folder[Symbol.asyncDispose]()
})

const failure = (code: string): Error => Object.assign(new Error(`${code}: as the system says`), { code })

/** Only the files without an error are at their places, whole; no draft stays. */
async function requireOutcome(errors: readonly (Error | undefined)[]): Promise<void> {
  const made = files.filter((_, index) => errors[index] === undefined)
  expect(errors).toHaveLength(files.length)
  expect(await readdir(join(folder.path, 'tmp'))).toEqual([])
  expect(await readdir(join(folder.path, 'new'))).toHaveLength(made.length)
  for (const { place, bytes } of made) expect(await readFile(place)).toEqual(bytes)
}

describe('FileMaker', () => {
  it('moves no file to its place before that file is synced (QUIRKS MDR-02)', async () => {
    const opened = new Map<unknown, string>()
    const synced = new Set<string>()
    const early: unknown[] = []
    instead['openSync'] = (real, path, ...rest) => {
      const descriptor = real(path, ...rest)
      opened.set(descriptor, String(path))
      return descriptor
    }
    instead['fsync'] = (real, descriptor, done) => {
      real(descriptor, (error: unknown) => {
        synced.add(opened.get(descriptor) ?? '')
        ;(done as Call)(error)
      })
      return true
    }
    instead['renameSync'] = (_, draft) => {
      if (!synced.has(String(draft))) early.push(draft)
      return undefined
    }
    await requireOutcome(await new FileMaker().make(files))
    expect(early).toEqual([])
    expect(synced.size).toBe(files.length)
  })

  it.each(['fsync', 'closeSync', 'renameSync'])(
    'keeps what failed at %s away from its place, and the others not',
    async (name) => {
      let count = 0
      instead[name] = (real, ...values) => {
        if (count++ % 5 !== 2) return undefined
        if (name === 'closeSync') real(...values)
        if (name !== 'fsync') throw failure('EIO')
        setImmediate(() => (values[1] as Call)(failure('EIO')))
        return true
      }
      const errors = await new FileMaker().make(files)
      await requireOutcome(errors)
      expect(errors.filter((error) => error !== undefined)).toHaveLength(files.length / 5)
    },
  )

  /** So many files may be open at once. */
  const allow = (most: number): void => {
    let open = 0
    instead['openSync'] = (real, ...values) => {
      if (open >= most) throw failure('EMFILE')
      open++
      return real(...values)
    }
    instead['closeSync'] = () => {
      open--
      return undefined
    }
  }

  it('makes as many at once as the system lets it open, and all of them in the end (QUIRKS FS-06)', async () => {
    allow(7)
    const errors = await new FileMaker().make(files)
    await requireOutcome(errors)
    expect(errors.every((error) => error === undefined)).toBe(true)
  })

  it('says so where it may open none (QUIRKS FS-06)', async () => {
    allow(0)
    const errors = await new FileMaker().make(files)
    await requireOutcome(errors)
    expect(errors[0]).toMatchObject({ code: 'EMFILE' })
  })

  it('lets others work meanwhile where each call takes long, as on a network file system', async () => {
    const maker = new FileMaker()
    const calls = { openSync: 0, open: 0, renameSync: 0 }
    instead['openSync'] = () => {
      calls.openSync++
      const until = performance.now() + 3
      while (performance.now() < until);
      return undefined
    }
    for (const name of ['open', 'renameSync'] as const) {
      instead[name] = () => {
        calls[name]++
        return undefined
      }
    }
    const all = files
    files = all.slice(0, 20)
    await requireOutcome(await maker.make(files))
    expect(calls).toEqual({ openSync: 20, open: 0, renameSync: 0 })
    const second = await maker.make(all.slice(20))
    files = all
    await requireOutcome([...Array.from({ length: 20 }, () => undefined), ...second])
    expect(calls).toMatchObject({ openSync: 20, open: 20 })
  })
})
