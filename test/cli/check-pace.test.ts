import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openScene, signIns, snapshot } from './scene.js'

describe.concurrent('check and the distance between sign-ins', { timeout: 60_000 }, () => {
  it('does not sign in before it may, says when that is, and looks at the targets all the same', async () => {
    await using scene = await openScene({ source: { signInEvery: '1h' } })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    const before = scene.server.lines.filter((line) => signIns.test(line)).length
    const { code, events } = await scene.run(['check', '--json'])
    expect(code).toBe(75)
    expect(events[0]).toMatchObject({
      source: {
        ok: false,
        code: 'throttled',
        transient: true,
        error: expect.stringMatching(/signInEvery.*it can go on at \d{4}-/) as string,
      },
      targets: [{ ok: true }, { ok: true }],
    })
    expect(scene.server.lines.filter((line) => signIns.test(line))).toHaveLength(before)
  })

  it('its own sign-in counts for the next run', async () => {
    const distance = 6000
    await using scene = await openScene({ source: { signInEvery: `${distance}ms` } })
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    await pause(distance)
    expect(await scene.run(['check'])).toMatchObject({ code: 0 })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.find(({ type }) => type === 'retry')).toMatchObject({ code: 'throttled' })
  })

  it('leaves no trace where no distance has to be kept, and none where no run has ever been', async () => {
    for (const source of [{}, { signInEvery: '1h' }]) {
      await using scene = await openScene({ source })
      const before = await snapshot(scene.folder.path)
      expect(await scene.run(['check'])).toMatchObject({ code: 0 })
      expect(await snapshot(scene.folder.path)).toEqual(before)
    }
    await using scene = await openScene()
    await scene.run(['run'])
    const before = await snapshot(scene.folder.path)
    expect(await scene.run(['check'])).toMatchObject({ code: 0 })
    expect(await snapshot(scene.folder.path)).toEqual(before)
  })
})
