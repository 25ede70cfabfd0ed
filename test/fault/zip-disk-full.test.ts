import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { canMount, mountTmpfs, remount } from '../support/machine.js'
import { runPopferry, tempFolder, writePlan } from '../support/rig.js'
import { messagesIn } from '../support/zip.js'

const messages = Array.from(
  { length: 60 },
  (_, index) => `Subject: no ${index}\r\n\r\n${`${index} ${'x'.repeat(70)}\r\n`.repeat(700)}`,
)

it.runIf(canMount).each([
  ['the volumes', { state: 'state' }, 'small/a.zip'],
  ['the staging', { state: 'small/state' }, 'a.zip'],
  ['both', { state: 'small/state' }, 'small/a.zip'],
])('FS-01 a disk too small for %s of an archive: no volume, then a whole one', async (_, state, path) => {
  await using server = await FakePop3Server.start({ messages })
  await using folder = await tempFolder()
  await mkdir(folder.at('small'), { mode: 0o700 })
  const accounts = [{ name: 'alice', source: server.source(), targets: [{ type: 'eml-zip', path, compression: 0 }] }]
  await writePlan(folder, { ...state, accounts })
  const run = async (): ReturnType<typeof runPopferry> => runPopferry(['run', '--quiet'], { cwd: folder.path })
  const archive = folder.at(path)
  using small = mountTmpfs(folder.at('small'), 'size=6m,mode=700')
  expect(small).toBeDefined()
  // The second time, others have taken what was counted as free.
  for (const taken of [3, 5]) {
    await writeFile(folder.at('small', 'of others'), Buffer.alloc(taken * 1024 * 1024)).catch(() => undefined)
    const { code, stderr } = await run()
    expect(code).toBe(3)
    expect(stderr).toMatch(/may be needed|no space|is full/)
    expect((await readdir(folder.path)).concat(await readdir(folder.at('small')))).not.toContain('a.zip')
  }
  await rm(folder.at('small', 'of others'))
  remount(folder.at('small'), 'size=60m')
  expect(await run()).toMatchObject({ code: 0, stderr: '' })
  expect((await messagesIn(archive)).map(({ bytes }) => bytes.toString()).toSorted()).toEqual(messages.toSorted())
})
