import { describe, expect, it } from 'vitest'
import { runPopferry } from '../support/rig.js'
import { messages, openScene, requireExact, runAgain, killAtAppend, withoutUidPlus } from './imap-scene.js'
import { thorough } from './scene.js'

const servers = [
  ['with UIDPLUS', {}],
  ['without UIDPLUS', { capabilities: withoutUidPlus }],
] as const

describe.each(servers)('killed during an upload to a server %s', (name, options) => {
  it('that stores 3 s after the cut: the next run waits for it, and each message is there once', async () => {
    await using scene = await openScene(options, '4s')
    await killAtAppend(scene, 3000)
    await runAgain(scene, 'three seconds')
    await runAgain(scene, 'once more')
  }, 120_000)

  const long = 'that stores long after the next run has looked'
  it.each([
    [long, 'later', '200ms'],
    // With the settle time of a real run, so only in `npm run test:fault`.
    ...(thorough ? ([[`${long}: 60 s after the cut`, 60_000, '30s']] as const) : []),
  ] as const)(
    '%s: nothing is lost, and what is there twice is removed or told',
    async (_, act, settle) => {
      await using scene = await openScene(options, settle)
      const before = Date.now()
      await killAtAppend(scene, act)
      await runAgain(scene, 'the server is still silent')
      if (act === 'later') scene.imap.release()
      else await new Promise((resolve) => setTimeout(resolve, before + act + 2000 - Date.now()))
      expect(scene.imap.store.messages('Moved').length).toBeGreaterThan(messages.length)
      const { code, stderr } = await runPopferry(['run', '--quiet'], { cwd: scene.folder.path })
      if (name === 'with UIDPLUS') {
        expect({ code, stderr }).toMatchObject({
          code: 0,
          stderr: expect.stringContaining('each is there once') as string,
        })
        requireExact(scene, 'the late copies are dealt with')
        await runAgain(scene, 'once more')
        return
      }
      // Whose copies they are nobody can tell: it says so, once, and removes nothing.
      expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('twice') as string })
      const stored = scene.imap.store.messages('Moved').map(({ bytes }) => bytes.toString('latin1'))
      expect(new Set(stored)).toEqual(new Set(messages))
      expect((await runPopferry(['run', '--quiet'], { cwd: scene.folder.path })).code).toBe(0)
      expect(scene.imap.store.messages('Moved')).toHaveLength(stored.length)
    },
    300_000,
  )
})
