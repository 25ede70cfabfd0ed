import { describe, expect, it } from 'vitest'
import { kill } from '../support/fake-actions.js'
import { gmail } from '../support/providers.js'
import { readMaildir } from '../support/rig.js'
import { account, openScene, type Scene } from './scene.js'

const thousand = Array.from({ length: 1000 }, (_, index) => `Subject: number ${index}\r\n\r\nText ${index}.\r\n`)

async function openGmail(): Promise<Scene> {
  return openScene({
    ...gmail(),
    messages: thousand,
    plan: (server) => ({ accounts: [account('alice', server.source())] }),
  })
}

/** The numbers of the stored messages, sorted; each must be there once. */
async function stored({ folder }: Scene): Promise<readonly number[]> {
  const files = await readMaildir(folder.at('alice'))
  return files.map(({ bytes }) => Number(/number (\d+)/.exec(String(bytes))?.[1])).toSorted((a, b) => a - b)
}

const all = thousand.map((_, index) => index)

describe('PRV-01 a maildrop like Gmail’s with 1,000 messages', () => {
  it('is drained in one run, and the next finds nothing new', async () => {
    await using scene = await openGmail()
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 1000, copied: 1000 } })
    expect(await stored(scene)).toEqual(all)
    const listed = events.filter(({ type }) => type === 'account.listed')
    expect(listed.map(({ messages, missing }) => [messages, missing])).toEqual([
      ...Array<number[]>(4).fill([250, 250]),
      [0, 0],
    ])
    expect(await scene.run(['run'])).toMatchObject({ code: 0, stdout: 'No messages in 1 account: nothing to do.\n' })
    expect(scene.server.messages.every(({ uidl }) => scene.server.retrs(uidl) === 1)).toBe(true)
  }, 120_000)

  it.each<[string, 'RETR' | 'QUIT', number]>([
    ['before the QUIT of the first window', 'QUIT', 1],
    ['in the second window', 'RETR', 380],
    ['before the QUIT of the second window', 'QUIT', 2],
  ])(
    'killed %s and run again: nothing is lost, nothing there twice',
    async (_, event, count) => {
      await using scene = await openGmail()
      let pid = 0
      scene.server.hooks = { [event]: (moment: { count: number }) => (moment.count === count ? kill(pid) : undefined) }
      await using running = scene.start(['run', '--quiet'])
      pid = running.pid
      expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
      scene.server.hooks = {}
      expect(await scene.run(['run'])).toMatchObject({ code: 0 })
      expect(await stored(scene)).toEqual(all)
      expect(scene.server.maildrop().popped.size).toBe(1000)
    },
    120_000,
  )
})
