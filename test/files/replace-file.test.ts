import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replaceFile } from '../../src/files/replace-file.js'
import { Scratch } from '../../src/files/scratch.js'
import { systemClock as clock } from '../support/clock.js'
import { collect } from '../support/collect.js'
import { temporaryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder
let place: string

beforeEach(async () => {
  folder = await temporaryFolder()
  place = join(folder.path, 'report.html')
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function* pieces(...texts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function* failing(): AsyncIterable<Uint8Array> {
  yield Buffer.from('half')
  throw new Error('no more')
}

const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o777

describe('a file that is replaced as a whole', () => {
  it('is made private, whatever the umask', async () => {
    const umask = process.umask(0)
    await replaceFile(place, pieces('one ', 'two'), clock).finally(() => process.umask(umask))
    expect(await readFile(place, 'utf8')).toBe('one two')
    expect(await modeOf(place)).toBe(0o600)
    expect(await readdir(folder.path)).toEqual(['report.html'])
  })

  it('keeps the mode of what it replaces', async () => {
    await writeFile(place, 'old')
    await chmod(place, 0o644)
    await replaceFile(place, pieces('new'), clock)
    expect(await readFile(place, 'utf8')).toBe('new')
    expect(await modeOf(place)).toBe(0o644)
  })

  it('stays what it was where writing fails, and nothing is left beside it', async () => {
    await writeFile(place, 'old')
    await expect(replaceFile(place, failing(), clock)).rejects.toThrow('no more')
    expect(await readFile(place, 'utf8')).toBe('old')
    expect(await readdir(folder.path)).toEqual(['report.html'])
  })

  it('takes the place of a link, and leaves alone what that leads to (QUIRKS FS-10)', async () => {
    const other = join(folder.path, 'other')
    await writeFile(other, 'other', { mode: 0o644 })
    await symlink(other, place)
    await replaceFile(place, pieces('new'), clock)
    expect(await readFile(other, 'utf8')).toBe('other')
    expect((await lstat(place)).isFile()).toBe(true)
    expect(await modeOf(place)).toBe(0o600)
  })

  it('removes what killed processes left long ago, and nothing else', async () => {
    const [old, young] = ['a', 'b'].map((digit) => `.popferry-${digit.repeat(16)}.draft`)
    const names = [old!, young!, `.popferry-${'a'.repeat(15)}.draft`, 'a.draft']
    for (const name of names) await writeFile(join(folder.path, name), '')
    await mkdir(join(folder.path, `.popferry-${'c'.repeat(16)}.draft`))
    for (const name of await readdir(folder.path)) if (name !== young) await utimes(join(folder.path, name), 1, 1)
    await replaceFile(place, pieces('new'), clock)
    const left = await readdir(folder.path)
    expect(left).not.toContain(old)
    expect(left).toHaveLength(5)
  })

  it('says so where its folder is not there', async () => {
    await expect(replaceFile(join(folder.path, 'no', 'x'), pieces(''), clock)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a scratch file', () => {
  it('gives back what was written, without what was taken back, and has no name', async () => {
    await using scratch = await Scratch.in(folder.path)
    expect(await readdir(folder.path)).toEqual([])
    await scratch.write('größe ')
    const { size } = scratch
    await scratch.write('x'.repeat(700_000))
    await scratch.cut(size)
    await scratch.write('y'.repeat(300_000))
    expect(Buffer.concat(await collect(scratch.read())).toString()).toBe(`größe ${'y'.repeat(300_000)}`)
    expect(scratch.size).toBe(8 + 300_000)
  })

  it('fails where there is no folder', async () => {
    await expect(Scratch.in(join(folder.path, 'no'))).rejects.toMatchObject({ code: 'ENOENT' })
    await stat(folder.path)
  })
})
