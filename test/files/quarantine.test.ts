import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openQuarantine } from '../../src/files/quarantine.js'
import { collect } from '../support/collect.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { canMount, mountTmpfs } from '../support/machine.js'

let folder: TemporaryFolder

beforeEach(async () => {
  folder = await memoryFolder()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const at = (...names: string[]): string => join(folder.path, 'quarantine', ...names)
const open = () => openQuarantine(at(), { now: () => 1_000_000_000_000 })
const name = (digit: string): string => `${digit.repeat(32)}-${'0'.repeat(32)}.eml`

async function* chunks(...parts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

const read = async (one: string): Promise<string> => String(Buffer.concat(await collect(open().open(one))))

describe('the quarantine on disk', () => {
  it('does not exist until it is needed, and belongs to its owner alone', async () => {
    await open().sweep(new Set())
    await expect(stat(at())).rejects.toMatchObject({ code: 'ENOENT' })
    const before = process.umask(0)
    await open().put(name('a'), chunks('one', ' two'))
    process.umask(before)
    expect([(await stat(at())).mode & 0o777, (await stat(at(name('a')))).mode & 0o777]).toEqual([0o700, 0o600])
    expect(await read(name('a'))).toBe('one two')
    expect(await read(name('a'))).toBe('one two')
  })

  it('holds whole files only', async () => {
    await open().put(name('a'), chunks('old'))
    async function* dying(): AsyncIterable<Uint8Array> {
      yield* chunks('half')
      throw new Error('dead')
    }
    await expect(open().put(name('a'), dying())).rejects.toMatchObject({ code: 'state-failed' })
    expect([await read(name('a')), await readdir(at())]).toEqual(['old', [name('a')]])
    await open().put(name('a'), chunks('new'))
    expect(await read(name('a'))).toBe('new')
  })

  it('sweeps what nobody needs and drafts of killed runs; foreign files stay', async () => {
    await open().put(name('a'), chunks('kept'))
    await open().put(name('b'), chunks('left'))
    await writeFile(at(name('c').replace('.eml', '.draft')), 'half')
    const foreign = ['notes.txt', `x${name('d')}`, name('E'), `${name('f')}.bak`]
    for (const one of foreign) await writeFile(at(one), 'foreign')
    await open().sweep(new Set([name('a')]))
    expect((await readdir(at())).sort()).toEqual([name('a'), ...foreign].sort())
  })

  it('sets aside what nobody speaks of, where it may be the only copy', async () => {
    expect(await open().setAside(new Set())).toBe(0)
    await open().put(name('a'), chunks('kept'))
    await open().put(name('b'), chunks('left'))
    await writeFile(at(name('c').replace('.eml', '.draft')), 'half')
    expect(await open().setAside(new Set([name('a')]))).toBe(1)
    expect(await open().setAside(new Set([name('a')]))).toBe(0)
    await open().sweep(new Set([name('a')]))
    expect((await readdir(at())).sort()).toEqual([name('a'), `unclaimed-${name('b')}`])
    expect(String(await readFile(at(`unclaimed-${name('b')}`)))).toBe('left')
  })

  it('removes what is there, and does not mind what is not', async () => {
    await open().put(name('a'), chunks('x'))
    await open().remove(name('a'))
    await open().remove(name('a'))
    expect(await readdir(at())).toEqual([])
  })

  it('does not follow a link that lies where a draft goes', async () => {
    await mkdir(at())
    await writeFile(join(folder.path, 'victim'), 'unharmed')
    await symlink('../victim', at(name('a').replace('.eml', '.draft')))
    await expect(open().put(name('a'), chunks('x'))).rejects.toMatchObject({ code: 'state-failed' })
    expect(await readFile(join(folder.path, 'victim'), 'utf8')).toBe('unharmed')
  })

  it.each(['../a.eml', 'a', `${name('a')}/..`, ''])('takes no other name: %j', async (bad) => {
    await expect(open().put(bad, chunks('x'))).rejects.toThrow(RangeError)
    await expect(open().remove(bad)).rejects.toThrow(RangeError)
    await expect(collect(open().open(bad))).rejects.toThrow(RangeError)
  })

  it('FS-01 leaves nothing on a full disk, and says that it is full', async ({ skip }) => {
    skip(!canMount, 'only root on Linux may mount a small disk')
    await mkdir(at())
    using disk = mountTmpfs(at(), 'size=64k,mode=700')
    expect(disk).toBeDefined()
    const put = open().put(name('a'), chunks('x'.repeat(40_000), 'y'.repeat(40_000)))
    await expect(put).rejects.toMatchObject({
      code: 'spool-full',
      message: expect.stringContaining('no space') as string,
    })
    expect(await readdir(at())).toEqual([])
  })
})
