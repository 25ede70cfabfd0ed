import { mkdir, readdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStreamedFile } from '../../src/files/create-file.js'
import { FileMaker, type FilledFile } from '../../src/files/file-maker.js'
import { diskFault, makeDirectory } from '../../src/files/durable.js'
import { makeOwnedDirectory, resolveOwner } from '../../src/files/owner.js'
import { canonicalFolder, canonicalPath } from '../../src/files/place.js'
import { openSpool } from '../../src/files/spool.js'
import { Fault } from '../../src/ports/fault.js'
import { collect } from '../support/collect.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'
import { canMount, isRoot, mountTmpfs } from '../support/machine.js'

let folder: TemporaryFolder

beforeEach(async () => {
  folder = await memoryFolder()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

const at = (...names: string[]): string => join(folder.path, ...names)
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777

describe('makeDirectory (QUIRKS FS-10)', () => {
  it.each([0, 0o022, 0o077])('gives what it creates its mode under umask %o, and names it', async (umask) => {
    await mkdir(at('a'), { mode: 0o755 })
    const before = process.umask(umask)
    const made = await makeDirectory(at('a', 'b', 'c'), 0o710)
    process.umask(before)
    expect(made).toEqual([at('a', 'b'), at('a', 'b', 'c')])
    expect(await Promise.all([...made, at('a')].map(modeOf))).toEqual([0o710, 0o710, 0o755])
    expect(await makeDirectory(at('a', 'b', 'c'), 0o700)).toEqual([])
    expect(await modeOf(at('a', 'b', 'c'))).toBe(0o710)
  })

  it('does not make folders in a file', async () => {
    await writeFile(at('a'), '')
    await expect(makeDirectory(at('a', 'b'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it.skipIf(!isRoot)('gives them to their owner (skipped unless root)', async () => {
    await mkdir(at('a'))
    await makeOwnedDirectory(at('a', 'b', 'c'), { uid: 1234, gid: 2345 })
    for (const path of [at('a', 'b'), at('a', 'b', 'c')])
      expect(await stat(path)).toMatchObject({ uid: 1234, gid: 2345 })
    expect((await stat(at('a'))).uid).toBe(0)
  })
})

describe('diskFault', () => {
  it.each([
    ['ENOSPC', 'disk-full', 'inodes'],
    ['EDQUOT', 'disk-full', 'quota'],
    ['EFBIG', 'file-full', 'may not be larger'],
    ['EACCES', 'not-writable', 'EACCES'],
    ['EPERM', 'not-writable', 'EPERM'],
    ['EROFS', 'not-writable', 'read-only'],
    ['EMFILE', 'too-many-files', 'EMFILE'],
    ['ENFILE', 'too-many-files', 'ENFILE'],
    ['EIO', 'io', 'EIO'],
    ['ENOENT', 'io', 'does not exist'],
  ])('%s is %s', (code, fault, word) => {
    const error = Object.assign(new Error(`${code}: as the system says`), { code })
    const made = diskFault(error, 'write', '/a/b')
    expect(made).toMatchObject({ code: fault, cause: error })
    expect(made.message).toMatch(new RegExp(`^cannot write /a/b: .*${word}`))
  })

  it.skipIf(process.platform !== 'linux')(
    'knows a quota that is used up though Node.js may have no name for it',
    () => {
      const code = 'Unknown system error -122'
      const error = Object.assign(new Error(`${code}: ${code}, write`), { code, errno: -122 })
      expect(diskFault(error, 'write', '/a/b')).toMatchObject({ code: 'disk-full' })
      expect(diskFault(error, 'write', '/a/b').message).toContain('quota')
    },
  )

  it('leaves Faults as they are, and takes anything else', () => {
    const fault = new Fault('held', 'no')
    expect(diskFault(fault, 'write', '/a')).toBe(fault)
    expect(diskFault('odd', 'write', '/a').message).toBe('cannot write /a: odd')
  })
})

describe.each<[string, (file: FilledFile) => Promise<void>]>([
  [
    'FileMaker',
    async (file) => {
      const [error] = await new FileMaker().make([file])
      if (error) throw error
    },
  ],
  [
    'createStreamedFile',
    async ({ bytes, ...file }) =>
      createStreamedFile(
        file,
        (async function* () {
          for (let start = 0; start < bytes.length; start += 3) yield bytes.subarray(start, start + 3)
        })(),
      ),
  ],
])('%s (QUIRKS FS-10)', (_, create) => {
  const file = (name: string, change: Partial<FilledFile> = {}): FilledFile => ({
    ...{ draft: at('draft'), place: at(name), bytes: Buffer.from('ten octets') },
    ...{ mode: 0o600, mtime: 1_094_112_000_500, owner: undefined, ...change },
  })

  it.each([
    [0, 0o600],
    [0, 0o640],
    [0o077, 0o664],
  ])('under umask %o makes a file of mode %o with its bytes and time', async (umask, mode) => {
    const before = process.umask(umask)
    await create(file('file', { mode }))
    process.umask(before)
    expect(await readFile(at('file'), 'utf8')).toBe('ten octets')
    expect(await modeOf(at('file'))).toBe(mode)
    expect((await stat(at('file'))).mtimeMs).toBe(1_094_112_000_500)
    expect(await readdir(folder.path)).toEqual(['file'])
  })

  it('makes an empty file of 1970', async () => {
    await create(file('file', { bytes: Buffer.alloc(0), mtime: 0 }))
    expect(await stat(at('file'))).toMatchObject({ size: 0, mtimeMs: 0 })
  })

  it('never writes into what is there, nor follows a link', async () => {
    await writeFile(at('old'), 'old')
    await symlink('old', at('link'))
    await symlink('nowhere', at('dangling'))
    for (const draft of ['link', 'dangling']) {
      await expect(create(file('file', { draft: at(draft) })), draft).rejects.toMatchObject({ code: 'EEXIST' })
    }
    expect(await readFile(at('old'), 'utf8')).toBe('old')
    await expect(stat(at('nowhere'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(stat(at('file'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('leaves no draft where it cannot be moved', async () => {
    await expect(create(file('no/such/folder'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await readdir(folder.path)).toEqual([])
  })

  it.skipIf(!isRoot)('gives the file away (skipped unless root)', async () => {
    await create(file('file', { owner: { uid: 1234, gid: 2345 } }))
    expect(await stat(at('file'))).toMatchObject({ uid: 1234, gid: 2345 })
  })

  it.skipIf(!canMount)('tells of a full disk, and leaves no draft (skipped unless root may mount one)', async () => {
    await mkdir(at('disk'))
    const disk = mountTmpfs(at('disk'), 'size=64k')
    const large = file('disk/file', { draft: at('disk/draft'), bytes: Buffer.alloc(70_000) })
    await expect(create(large)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await readdir(at('disk'))).toEqual([])
    disk[Symbol.dispose]()
  })
})

describe('a group of files', () => {
  it('is made whatever becomes of some of them, each error in its place', async () => {
    await mkdir(at('tmp'))
    await mkdir(at('new'))
    const names = Array.from({ length: 300 }, (_, index) => String(index))
    const files = names.map((name, index) => ({
      draft: at(index % 7 === 3 ? 'gone' : 'tmp', name),
      place: at(index % 11 === 5 ? 'gone' : 'new', name),
      bytes: Buffer.from(`message ${name}`),
      ...{ mode: 0o640, mtime: index * 1000, owner: undefined },
    }))
    const errors = await new FileMaker().make(files)
    const failed = names.filter((_, index) => index % 7 === 3 || index % 11 === 5)
    expect(names.filter((_, index) => errors[index] !== undefined)).toEqual(failed)
    expect(await readdir(at('tmp'))).toEqual([])
    expect((await readdir(at('new'))).sort()).toEqual(names.filter((name) => !failed.includes(name)).sort())
    expect(await readFile(at('new', '299'), 'utf8')).toBe('message 299')
  })
})

describe('the owner in the plan', () => {
  it.skipIf(!isRoot)('is a name or a number (skipped unless root)', async () => {
    expect(await resolveOwner('root:root')).toEqual({ uid: 0, gid: 0 })
    expect(await resolveOwner('1234:root')).toEqual({ uid: 1234, gid: 0 })
    await expect(resolveOwner('no-such-user-here:root')).rejects.toMatchObject({ code: 'not-writable' })
    expect(await resolveOwner(undefined)).toBeUndefined()
  })
})

describe('one spelling for a path', () => {
  it('resolves links in what exists, and the last one only for folders', async () => {
    const real = await realpath(folder.path)
    await mkdir(at('real'))
    await symlink('real', at('link'))
    expect(canonicalPath(at('link', 'file'))).toBe(join(real, 'real', 'file'))
    expect(canonicalPath(at('link', 'not', 'yet', 'there'))).toBe(join(real, 'real', 'not', 'yet', 'there'))
    expect(canonicalPath(at('link'))).toBe(join(real, 'link'))
    expect(canonicalFolder(at('link'))).toBe(join(real, 'real'))
    expect(canonicalFolder(at('link', 'new'))).toBe(join(real, 'real', 'new'))
    expect(canonicalPath('/')).toBe('/')
  })
})

describe('the spool', () => {
  it('keeps bytes to be read any number of times, privately, until they are removed', async () => {
    const spool = await openSpool(at('spool'))
    const file = spool.create()
    const parts = [Buffer.alloc(300_000, 'a'), Buffer.from('b'), Buffer.alloc(0)]
    for (const part of parts) await file.write(part)
    const readings = [await collect(file.open()), await collect(file.open())]
    for (const chunks of readings) expect(Buffer.concat(chunks)).toEqual(Buffer.concat(parts))
    const names = await readdir(at('spool'))
    expect(await Promise.all(names.map(async (name) => modeOf(at('spool', name))))).toEqual([0o600])
    expect(await modeOf(at('spool'))).toBe(0o700)
    await file.remove()
    await file.remove()
    await expect(collect(file.open())).rejects.toMatchObject({ code: 'state-failed' })
  })

  it('begins without what a killed run left, but leaves the files of others', async () => {
    await (await openSpool(at('spool'))).create().write(Buffer.from('left'))
    await writeFile(at('spool', 'notes.spool'), '')
    await openSpool(at('spool'))
    expect(await readdir(at('spool'))).toEqual(['notes.spool'])
  })

  it.skipIf(!canMount)(
    'stops the message, neither the run nor a target, when its disk is full (skipped unless root may mount one)',
    async () => {
      await mkdir(at('spool'))
      const disk = mountTmpfs(at('spool'), 'size=64k')
      const file = (await openSpool(at('spool'))).create()
      await expect(file.write(Buffer.alloc(70_000))).rejects.toMatchObject({ code: 'spool-full', scope: 'session' })
      await file.remove()
      disk[Symbol.dispose]()
    },
  )

  it('says why where its folder cannot be', async () => {
    await writeFile(at('file'), '')
    await expect(openSpool(at('file', 'spool'))).rejects.toMatchObject({ code: 'state-failed' })
  })
})
