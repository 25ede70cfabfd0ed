import { describe, expect, it } from 'vitest'
import { startPopferry } from '../support/rig.js'
import { killAt, openScene, runAgain, type Script, servers } from './imap-scene.js'
import { thorough } from './scene.js'
import { count } from './tally.js'

describe.each(servers)('killed at every event of the dialogue with a server %s', (_, options) => {
  it('ends with each message exactly once', async (context) => {
    const phases: readonly (readonly [string, Script])[] = [
      ['the server has done nothing', { cut: true }],
      ['the server has stored and not answered', { act: true, cut: true }],
      ['the server stores a moment later', { act: 50, cut: true }],
    ]
    // All of it in `npm run test:fault`; else each event in one phase only.
    for (const [index, [phase, script]] of phases.entries()) {
      let killed = 0
      for (let fatal = 1 + (thorough ? 0 : index * 2); ; fatal += thorough ? 1 : 11) {
        await using scene = await openScene(options)
        const when = `killed at event ${fatal}, ${phase}`
        if (!(await killAt(scene, fatal, script))) break
        killed++
        count(context, { kills: 1, ...(await runAgain(scene, when)) })
        expect(scene.pop.sessions.filter(({ quit }) => quit).length, when).toBeGreaterThan(0)
      }
      expect(killed, phase).toBeGreaterThan(thorough ? 5 : 0)
    }
  }, 3_600_000)
})

it('killed in mid-literal: what was half sent is not stored, the rest once', async () => {
  await using scene = await openScene({})
  await using running = startPopferry(['run', '--quiet'], { cwd: scene.folder.path })
  scene.hook = ({ event, count }) => {
    if (event !== 'literal' || count !== 4) return undefined
    // Half of the large one is there.
    return {
      cut: 600_000,
      kill: () => {
        running.kill('SIGKILL')
      },
    }
  }
  expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
  scene.hook = undefined
  await runAgain(scene, 'mid-literal')
})
