import { describe, expect, it } from 'vitest'
import { kill, upTo } from '../support/fake-actions.js'
import { FakePop3Server } from '../support/fake-pop3-server.js'
import { runPopferry, startPopferry, type TempFolder, writePlan } from '../support/rig.js'
import { fresh, messages, requireExact, thorough } from './scene.js'
import { count } from './tally.js'

async function planFor(server: FakePop3Server, pipelining: string, folder: TempFolder): Promise<void> {
  const targets = [
    { type: 'maildir', path: 'maildir' },
    { type: 'mbox', path: 'mbox' },
    { type: 'eml-zip', path: 'zips/mail.zip' },
  ]
  const source = { ...server.source(), pipelining }
  await writePlan(folder, { state: 'state', accounts: [{ name: 'alice', source, targets }] })
}

/** Every moment at which the server has to say something, one after the other. */
async function momentsOf(server: FakePop3Server, pipelining: string): Promise<number> {
  await using folder = await fresh()
  await planFor(server, pipelining, folder)
  let moments = 0
  server.hooks = {
    any: () => {
      moments++
    },
  }
  expect(await runPopferry(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ code: 0, stderr: '' })
  await requireExact(folder)
  return moments
}

describe.each(['off', 'on'])('killed at every event of the dialogue, pipelining %s', (pipelining) => {
  it('ends with each message exactly once', async (context) => {
    await using server = await FakePop3Server.start({ messages })
    const moments = await momentsOf(server, pipelining)
    expect(moments).toBeGreaterThan(12)
    for (let fatal = 1; fatal <= moments; fatal += thorough ? 1 : 3) {
      await using folder = await fresh()
      await planFor(server, pipelining, folder)
      let moment = 0
      let pid = 0
      server.hooks = {
        // Once before the reply, once in the middle of it.
        any: () => (++moment === fatal ? [upTo(fatal % 2 === 0 ? 0 : 700_000), kill(pid)] : undefined),
      }
      await using running = startPopferry(['run', '--quiet'], { cwd: folder.path })
      pid = running.pid
      expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
      server.hooks = {}
      const again = await runPopferry(['run', '--quiet'], { cwd: folder.path })
      expect(again, `killed at moment ${fatal}`).toMatchObject({ code: 0, stdout: '', stderr: '' })
      count(context, { kills: 1, ...(await requireExact(folder)) })
    }
  }, 3_600_000)
})
