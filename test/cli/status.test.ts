import { describe, expect, it } from 'vitest'
import { stall } from '../support/fake-actions.js'
import { openScene, printed, snapshot } from './scene.js'

describe.concurrent('status', () => {
  it('before the first run: knows nothing, contacts nobody, writes nothing', async () => {
    await using scene = await openScene()
    const before = await snapshot(scene.folder.path)
    const { code, stdout, stderr } = await scene.run(['status'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      'ACCOUNT  TARGET  MESSAGES  SIZE  FAILED  LAST RUN\nalice    -              0   0 B       0  never\n',
    )
    const { events } = await scene.run(['status', '--json'])
    expect(events).toMatchObject([
      { type: 'status.account', account: 'alice', targets: [], lastRun: null },
      { type: 'status.finished', exitCode: 0 },
    ])
    expect(scene.server.sessions).toEqual([])
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })

  it('during a run and after it', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) } })
    await using running = scene.start(['run', '--json'])
    await printed(running, '"target":"mbox","messages":1,"copied":1')
    const during = await scene.run(['status'])
    expect(during.code).toBe(0)
    expect(during.stdout).toMatch(/\nalice +maildir +1 +27 B +0 .*\nalice +mbox +1 +27 B +0 /)
    running.kill('SIGTERM')
    await running.finished
    scene.server.hooks = {}
    const { events: run } = await scene.run(['run', '--json'])
    const { events } = await scene.run(['status', '--json'])
    const figures = { messages: 3, bytes: 85, failed: 0 }
    expect(events).toMatchObject([
      {
        type: 'status.account',
        account: 'alice',
        targets: [
          { target: 'maildir', ...figures },
          { target: 'mbox', ...figures },
        ],
        lastRun: { run: run[0]?.['run'], status: 'ok' },
      },
      { type: 'status.finished', exitCode: 0 },
    ])
    expect(events[0]?.['lastRun']).toMatchObject({ at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string })
  })

  it('names what is no longer in the plan, unless asked for one account', async () => {
    await using scene = await openScene()
    await scene.run(['run'])
    const { server } = scene
    await scene.plan({
      accounts: [{ name: 'bob', source: { ...server.source(), user: 'bob' }, targets: [{ type: 'mbox', path: 'b' }] }],
    })
    const { events } = await scene.run(['status', '--json'])
    expect(events.map(({ account }) => account)).toEqual(['bob', 'alice', undefined])
    const { stdout } = await scene.run(['status', '--account', 'b*'])
    expect(stdout).toContain('bob')
    expect(stdout).not.toContain('alice')
  })
})
