import { mkdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { memoryMessage } from '../../src/sample/message.js'
import { send } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { canMount, mountTmpfs } from '../support/machine.js'
import { readMaildir, runPopferry, tempFolder, writePlan } from '../support/rig.js'

it('RET-12, FS-01 a message that fills the state folder stops neither the run nor another account', async ({
  skip,
}) => {
  skip(!canMount, 'only root on Linux may mount a small disk')
  const honest = ['one', 'two', 'three'].map((word) => `Subject: ${word}\r\n\r\n${word}\r\n`)
  let endless = true
  await using server = await FakePop3Server.start({
    messages: ['Subject: endless\r\n\r\n', ...honest],
    users: {
      bob: { password: 'secret', messages: honest.map((text, index) => memoryMessage(`b${index}`, Buffer.from(text))) },
    },
    hooks: {
      RETR: ({ uidl, argument }) =>
        uidl === 'u1' && argument === '1' && endless ? [send('+OK\r\n'), ...endlessly] : undefined,
    },
  })
  await using folder = await tempFolder()
  await mkdir(folder.at('state'), { mode: 0o700 })
  using disk = mountTmpfs(folder.at('state'), 'size=16m,mode=700')
  expect(disk).toBeDefined()
  const accounts = ['alice', 'bob'].map((name) => ({
    name,
    source: server.source(name),
    targets: [{ type: 'maildir', path: name }],
  }))
  const retry = { attempts: 3, minDelay: '1ms', maxDelay: '1ms' }
  await writePlan(folder, { state: 'state', retry, concurrency: { accounts: 1 }, accounts })
  const { code, stderr } = await runPopferry(['run', '--quiet'], { cwd: folder.path })
  expect(code).toBe(3)
  expect(stderr).toContain('no space (or no inodes) left')
  expect(await readMaildir(folder.at('alice'))).toHaveLength(3)
  expect(await readMaildir(folder.at('bob'))).toHaveLength(3)
  endless = false
  expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
  expect(await readMaildir(folder.at('alice'))).toHaveLength(4)
})

/** More than the disk holds. */
const endlessly = Array.from({ length: 64 }, () => send('x'.repeat(1_000_000)))
