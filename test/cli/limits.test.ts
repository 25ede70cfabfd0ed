import { describe, expect, it } from 'vitest'
import type { FakePop3Server } from '../support/fake-pop3-server.js'
import { account, openScene } from './scene.js'

const names = ['a', 'b', 'c', 'd', 'e']
const users = Object.fromEntries(names.map((name) => [name, { password: 'x', messages: [`Subject: ${name}\r\n\r\n`] }]))

/** Signed-in sessions that are open. */
function open(server: FakePop3Server): number {
  return server.sessions.filter(({ user, closed }) => user !== undefined && !closed).length
}

describe.concurrent('SES-13 concurrency, as the server sees it', () => {
  it.each<[string, object, number, (name: string) => string]>([
    ['accounts', { accounts: 3, perHost: 5 }, 3, () => '127.0.0.1'],
    ['perHost', { accounts: 5, perHost: 2 }, 2, () => '127.0.0.1'],
    ['perHost, by default', {}, 2, () => '127.0.0.1'],
    ['another name is another host', { perHost: 1 }, 2, (name) => (name < 'c' ? '127.0.0.1' : 'localhost')],
    ['one after the other', { accounts: 1 }, 1, () => '127.0.0.1'],
  ])('%s', async (_, concurrency, limit, host) => {
    await using scene = await openScene({
      users,
      plan: (server) => ({
        concurrency,
        accounts: names.map((name) => account(name, { ...server.source(name), host: host(name) })),
      }),
    })
    const { server } = scene
    let most = 0
    server.hooks = {
      // Nobody goes on until so many are there: fewer at once would wait for ever.
      STAT: async () => server.seen('STAT', limit),
      any: () => {
        most = Math.max(most, open(server))
      },
    }
    expect(await scene.run(['run'])).toMatchObject({ code: 0 })
    expect(most).toBe(limit)
    expect(names.map((name) => server.mostAtOnce(name))).toEqual([1, 1, 1, 1, 1])
  })
})

it('limits.bandwidth is kept over the whole run', async () => {
  const messages = Array.from({ length: 6 }, (_, index) => `Subject: ${index}\r\n\r\n${'x'.repeat(16_000)}\r\n`)
  await using scene = await openScene({
    users: { bob: { password: 'x', messages } },
    messages,
    plan: (server) => ({
      limits: { bandwidth: '128KB' },
      accounts: [account('alice', server.source()), account('bob', server.source('bob'))],
    }),
  })
  const { code, events } = await scene.run(['run', '--json'])
  expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { copied: 12 } })
  // 192 KB at 128 KB/s, less a quarter of a second's worth that may come at once.
  expect(events.at(-1)?.['seconds']).toBeGreaterThan(1.1)
})
