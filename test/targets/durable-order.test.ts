import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { deliver, readBack } from '../support/lane-loop.js'
import { letter, message } from '../support/mail.js'
import { MemoryLedger } from '../support/memory-ports.js'
import { emlZipHarness } from './eml-zip-place.js'
import { maildirFiles, maildirHarness, maildirTarget } from './maildir-place.js'
import { mboxHarness } from './mbox-place.js'

type Call = (...values: unknown[]) => unknown

/** What happened, in order: files that came to their place, folders that were synced, commits of the ledger. */
const events: { readonly what: 'placed' | 'synced' | 'recorded'; readonly path: string }[] = []
/** What a test lets happen behind a rename that is done. */
let afterRename: () => void = () => undefined

vi.mock('node:fs', async (original) => {
  const real = await original<Record<string, unknown>>()
  const renameSync = (...values: unknown[]): void => {
    ;(real['renameSync'] as Call)(...values)
    events.push({ what: 'placed', path: String(values[1]) })
    afterRename()
  }
  return { ...real, renameSync }
})

vi.mock('node:fs/promises', async (original) => {
  const real = await original<Record<string, Call>>()
  const placing = (name: string): Call => {
    return async (...values) => {
      await real[name]?.(...values)
      events.push({ what: 'placed', path: String(values[1]) })
    }
  }
  const open: Call = async (path, flags, ...rest) => {
    const handle = (await real['open']?.(path, flags, ...rest)) as { sync: () => Promise<void> }
    const isFolder = (await stat(String(path))).isDirectory()
    if (!isFolder && flags !== 'r') events.push({ what: 'placed', path: String(path) })
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      await sync()
      if (isFolder) events.push({ what: 'synced', path: String(path) })
    }
    return handle
  }
  return { ...real, open, rename: placing('rename'), link: placing('link') }
})

let folder: TemporaryFolder
let ledger: MemoryLedger

beforeEach(async () => {
  folder = await memoryFolder()
  ledger = new MemoryLedger()
  const advance = ledger.advance.bind(ledger)
  ledger.advance = async (...values) => {
    await advance(...values)
    events.push({ what: 'recorded', path: '' })
  }
  events.length = 0
})

afterEach(async () => {
  afterRename = () => undefined
  await folder[Symbol.asyncDispose]()
})

const batch = ['one', 'two', 'three'].map((word) => message(word, letter(word)))

describe('what a power failure would leave', () => {
  it.each([
    ['a Maildir', maildirHarness()],
    ['an mbox', mboxHarness()],
    ['an archive', emlZipHarness()],
  ])(
    'of %s: the folder of each new file is synced before the ledger speaks of it (QUIRKS FS-04, MDR-02)',
    async (_, harness) => {
      const target = harness.at(folder.path).target()
      await deliver(target, ledger, batch)
      const names = new Set(await readdir(folder.path, { recursive: true }))
      const placed = events.flatMap(({ what, path }, index) => {
        const lasts =
          what === 'placed' && names.has(path.slice(folder.path.length + 1)) && !/\.(?:lock|staged)$/.test(path)
        return lasts ? [{ path, index }] : []
      })
      expect(placed).not.toEqual([])
      for (const { path, index } of placed) {
        const recorded = events.findIndex(({ what }, at) => at > index && what === 'recorded')
        const synced = events.findIndex((one, at) => at > index && one.what === 'synced' && one.path === dirname(path))
        expect(synced, path).toBeGreaterThan(index)
        expect(synced, path).toBeLessThan(recorded)
      }
      expect(await readBack(target, ledger)).toEqual(['intact', 'intact', 'intact'])
    },
  )

  it.each([
    ['ENOENT', 'target-gone'],
    ['ESTALE', 'io'],
    ['EIO', 'io'],
  ])(
    'of a rename that a network file system has done and reports as %s: each message once (QUIRKS MDR-06)',
    async (code, fault) => {
      const path = join(folder.path, 'Maildir')
      let count = 0
      afterRename = () => {
        if (++count === 2) throw Object.assign(new Error(`${code}: as the system says`), { code })
      }
      await expect(deliver(maildirTarget({ path }), ledger, batch)).rejects.toMatchObject({ code: fault })
      await deliver(maildirTarget({ path }), ledger, batch)
      expect(await maildirFiles(path)).toHaveLength(3)
      expect(await readBack(maildirTarget({ path }), ledger)).toEqual(['intact', 'intact', 'intact'])
    },
  )
})
