import { chmod, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { probeFolder } from '../../src/files/probe.js'
import { memoryFolder, type TemporaryFolder } from '../support/folder.js'

let folder: TemporaryFolder

beforeEach(async () => {
  folder = await memoryFolder()
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function plant(name: string, text: string, ageMs: number): Promise<string> {
  const path = join(folder.path, name)
  await writeFile(path, text)
  const at = new Date(Date.now() - ageMs)
  await utimes(path, at, at)
  return name
}

const name = (digit: string): string => `.popferry-probe-${digit.repeat(12)}`

it('removes what a killed check has left, and leaves everything else', async () => {
  for (const text of ['', 'popferry', 'popferry check\n']) await plant(name(String(text.length % 10)), text, 3_600_000)
  const kept = [
    await plant(name('a'), 'popferry check\n', 1000),
    await plant(name('b'), 'far more than a probe has', 3_600_000),
    await plant('.popferry-probe-mine', '', 3_600_000),
  ]
  await mkdir(join(folder.path, name('c')))
  await symlink('nowhere', join(folder.path, name('d')))
  expect(await probeFolder(join(folder.path, 'not', 'there'))).toBeGreaterThan(0)
  expect((await readdir(folder.path)).toSorted()).toEqual([...kept, name('c'), name('d')].toSorted())
})

it('works where the folder cannot be listed', async () => {
  await chmod(folder.path, 0o300)
  expect(await probeFolder(folder.path)).toBeGreaterThan(0)
  await chmod(folder.path, 0o700)
  expect(await readdir(folder.path)).toEqual([])
})
