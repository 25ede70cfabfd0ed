import { spawnSync } from 'node:child_process'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { readMaildir } from '../support/rig.js'
import { account, openScene } from './scene.js'

const messages = ['Subject: one\r\n\r\n', `Subject: large\r\n\r\n${'x'.repeat(400_000)}\r\n`, 'Subject: three\r\n\r\n']

const canLimit = spawnSync('prlimit', ['--version']).status === 0

it('FS-01 a message larger than a file may be fails alone, and without room to keep it there is no QUIT', async ({
  skip,
}) => {
  skip(!canLimit, 'there is no prlimit')
  await using scene = await openScene({
    messages,
    plan: (server) => ({ accounts: [account('alice', { ...server.source(), sessions: 'single' })] }),
  })
  const { folder, server } = scene
  const node = folder.at('node')
  await writeFile(node, `#!/bin/sh\nexec prlimit --fsize=300000 ${process.execPath} "$@"\n`)
  await chmod(node, 0o755)
  const { code, events } = await scene.run(['run', '--json'], { node })
  expect(code).toBe(3)
  const error = expect.stringContaining('a file there may not be larger') as string
  expect(events.filter(({ type }) => type === 'message.failed')).toMatchObject([
    { uidl: 'u2', target: 'maildir', code: 'too-big', transient: false, error },
  ])
  expect(events.find(({ type }) => type === 'account.finished')).toMatchObject({ code: 'spool-full', error })
  expect(events.at(-1)).toMatchObject({ type: 'run.finished', listed: 3, copied: 2, failed: 1 })
  expect(server.sessions.map(({ quit }) => quit)).toEqual([false])
  expect(await readdir(folder.at('migrate.state', 'quarantine'))).toEqual([])
  expect((await scene.run(['status', '--json'])).events[0]).toMatchObject({ targets: [{ messages: 2, failed: 1 }] })

  expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(await readMaildir(folder.at('alice'))).toHaveLength(3)
  expect(server.sessions.map(({ quit }) => quit)).toEqual([false, true])
})
