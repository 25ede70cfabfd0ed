import { mkdir, readdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFile, createStreamedFile, type FileFacts } from '../../src/files/create-file.js'
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

  it('leaves Faults as they are, and takes anything else', () => {
    const fault = new Fault('held', 'no')
    expect(diskFault(fault, 'write', '/a')).toBe(fault)
    expect(diskFault('odd', 'write', '/a').message).toBe('cannot write /a: odd')
  })
})

describe.each([
  ['createFile', createFile],
  [
    'createStreamedFile',
    async (path: string, bytes: Uint8Array, facts: FileFacts) =>
      createStreamedFile(
        path,
        (async function* () {
          for (let start = 0; start < bytes.length; start += 3) yield bytes.subarray(start, start + 3)
        })(),
        facts,
      ),
  ],
])('%s (QUIRKS FS-10)', (_, create) => {
  const bytes = Buffer.from('ten octets')
  const facts: FileFacts = { mode: 0o600, mtime: 1_094_112_000_500, owner: undefined }

  it.each([
    [0, 0o600],
    [0, 0o640],
    [0o077, 0o664],
  ])('under umask %o makes a file of mode %o with its bytes and time', async (umask, mode) => {
    const before = process.umask(umask)
    await create(at('file'), bytes, { ...facts, mode })
    process.umask(before)
    expect(await readFile(at('file'))).toEqual(bytes)
    expect(await modeOf(at('file'))).toBe(mode)
    expect((await stat(at('file'))).mtimeMs).toBe(facts.mtime)
  })

  it('makes an empty file of 1970', async () => {
    await create(at('file'), Buffer.alloc(0), { ...facts, mtime: 0 })
    expect(await stat(at('file'))).toMatchObject({ size: 0, mtimeMs: 0 })
  })

  it('never touches what is there, nor follows a link', async () => {
    await writeFile(at('file'), 'old')
    await symlink('file', at('link'))
    await symlink('nowhere', at('dangling'))
    for (const name of ['file', 'link', 'dangling']) {
      await expect(create(at(name), bytes, facts), name).rejects.toMatchObject({ code: 'EEXIST' })
    }
    expect(await readFile(at('file'), 'utf8')).toBe('old')
    await expect(stat(at('nowhere'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.skipIf(!isRoot)('gives the file away (skipped unless root)', async () => {
    await create(at('file'), bytes, { ...facts, owner: { uid: 1234, gid: 2345 } })
    expect(await stat(at('file'))).toMatchObject({ uid: 1234, gid: 2345 })
  })

  it.skipIf(!canMount)('tells of a full disk (skipped unless root may mount one)', async () => {
    await mkdir(at('disk'))
    const disk = mountTmpfs(at('disk'), 'size=64k')
    await expect(create(at('disk', 'file'), Buffer.alloc(70_000), facts)).rejects.toMatchObject({ code: 'ENOSPC' })
    disk[Symbol.dispose]()
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
