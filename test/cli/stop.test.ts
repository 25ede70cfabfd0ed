import { describe, expect, it } from 'vitest'
import { send, stall } from '../support/fake-actions.js'
import { all, openScene, printed, type Scene, snapshot, storedSubjects } from './scene.js'

/** A run that has committed the first message to both targets and waits for the second. */
async function startedRun(scene: Scene) {
  scene.server.hooks = { RETR: ({ uidl }) => (uidl === 'u1' ? undefined : stall) }
  const running = scene.start(['run', '--json'])
  await printed(running, '"target":"mbox","messages":1,"copied":1')
  return running
}

describe.concurrent('PRC-01 a signal in the middle of a run', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: exit %d at a checkpoint, and the next run goes on from it', async (signal, code) => {
    await using scene = await openScene()
    await using running = await startedRun(scene)
    const before = performance.now()
    running.kill(signal)
    const { events, ...finished } = await running.finished
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(finished).toMatchObject({ code, signal: null, stderr: '' })
    const counts = { listed: 3, copied: 1, pending: 2, failed: 0 }
    expect(events.at(-2)).toMatchObject({ type: 'account.finished', status: 'incomplete', ...counts })
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: code, ...counts })
    expect(scene.server.sessions[0]?.quit).toBe(false)
    scene.server.hooks = {}
    const { stdout } = await scene.run(['run'])
    expect(stdout).toMatch(/^All 3 messages of 1 account are safe: 2 copied, 1 was already there /)
    expect(scene.server.retrs('u1')).toBe(1)
    expect(await storedSubjects(scene)).toEqual(all)
  })

  it('says so to people, and counts what is left', async () => {
    await using scene = await openScene({ hooks: { RETR: () => stall } })
    await using running = scene.start(['run'])
    await scene.server.seen('RETR')
    running.kill('SIGINT')
    expect(await running.finished).toMatchObject({
      code: 130,
      stdout: 'Stopped. 0 messages are safe, 3 left; the same command goes on from here.\n',
    })
  })

  it('while it waits to try again', async () => {
    const retry = { attempts: 9, minDelay: '1h', maxDelay: '1h' }
    await using scene = await openScene({ hooks: { greeting: () => send('-ERR busy\r\n') }, plan: () => ({ retry }) })
    await using running = scene.start(['run'])
    await printed(running, 'attempt 2 in')
    running.kill('SIGTERM')
    expect(await running.finished).toMatchObject({ code: 143 })
  })
})

describe.concurrent('PRC-02 SIGKILL in the middle of a run', () => {
  it('the next run completes it, each message once, without fetching again what was committed', async () => {
    await using scene = await openScene()
    await using running = await startedRun(scene)
    running.kill('SIGKILL')
    expect(await running.finished).toMatchObject({ code: null, signal: 'SIGKILL' })
    scene.server.hooks = {}
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(scene.server.retrs('u1')).toBe(1)
    expect(await storedSubjects(scene)).toEqual(all)
  })
})

describe.concurrent('PRC-03 two runs at once', () => {
  it('the second exits 4 and names the first', async () => {
    await using scene = await openScene()
    await using running = await startedRun(scene)
    const sessions = scene.server.sessions.length
    const before = await snapshot(scene.folder.at('mail'))
    const { code, stdout, stderr } = await scene.run(['run', '--json'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(
        `^popferry: process ${running.pid} on \\S+ holds the state of \\S+/migrate\\.yaml since .* — wait for it`,
      ),
    )
    expect(scene.server.sessions).toHaveLength(sessions)
    expect(await snapshot(scene.folder.at('mail'))).toEqual(before)
  })

  it('a dry run takes no lock: it works beside a run', async () => {
    await using scene = await openScene()
    await using running = await startedRun(scene)
    const { code, stderr } = await scene.run(['run', '--dry-run'])
    expect(code).not.toBe(4)
    expect(stderr).not.toContain('holds')
    expect(running.child.exitCode).toBeNull()
  })
})
