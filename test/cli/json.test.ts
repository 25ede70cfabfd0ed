import { describe, expect, it } from 'vitest'
import type { Action } from '../support/fake-actions.js'
import { send } from '../support/fake-actions.js'
import type { Hooks } from '../support/fake-pop3-server.js'
import type { JsonEvent } from '../support/rig.js'
import { account, openScene } from './scene.js'

const states = ['copied', 'present', 'filtered', 'failed', 'vanished', 'pending'] as const

function sumOf(event: JsonEvent): number {
  return states.reduce((sum, state) => sum + (event[state] as number), 0)
}

const refuse: Action = send('-ERR cannot open message\r\n')

describe.concurrent('--json', () => {
  it.each<[string, Hooks, string[], object]>([
    ['all copied', {}, [], { exitCode: 0, listed: 3, copied: 3 }],
    ['a limit', {}, ['--limit', '1'], { exitCode: 0, listed: 3, copied: 1, pending: 2 }],
    ['a dry run', {}, ['--dry-run'], { exitCode: 0, listed: 3, pending: 3 }],
    [
      'a refused message',
      { RETR: ({ uidl }) => (uidl === 'u2' ? refuse : undefined) },
      [],
      { exitCode: 3, listed: 3, copied: 2, failed: 1 },
    ],
    ['an account that does not come to its listing', { STAT: () => refuse }, [], { listed: 0, copied: 0 }],
  ])('%s: stdout holds nothing else, and the states add up', async (_, hooks, args, expected) => {
    await using scene = await openScene({ hooks })
    const { code, events, stderr } = await scene.run(['run', '--json', ...args])
    expect(stderr).toBe('')
    expect(events[0]).toMatchObject({ type: 'run.started', accounts: 1, plan: scene.folder.at('migrate.yaml') })
    expect(events.at(-1)).toMatchObject({ type: 'run.finished', exitCode: code, run: events[0]?.['run'], ...expected })
    const ends = events.filter(({ type }) => type === 'account.finished' || type === 'run.finished')
    expect(ends).toHaveLength(2)
    for (const event of ends) expect(event['listed']).toBe(sumOf(event))
    for (const { time } of events) expect(new Date(time).toISOString()).toBe(time)
  })

  it('PRC-11 two accounts of which one fails: the other is served, and the run is their sum', async () => {
    const users = { bob: { password: 'x', messages: ['Subject: bob\r\n\r\n'] } }
    await using scene = await openScene({
      users,
      plan: (server) => ({
        accounts: [account('bad', { ...server.source(), password: 'wrong' }), account('good', server.source('bob'))],
      }),
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    const ends = events.filter(({ type }) => type === 'account.finished')
    const [bad, good] = ['bad', 'good'].map((name) => ends.find(({ account }) => account === name))
    expect(bad).toMatchObject({ status: 'failed', code: 'auth-failed', transient: false, listed: 0 })
    expect(bad?.['error']).toMatch(/\(127\.0\.0\.1:\d+, sign-in\): "-ERR /)
    expect(good).toMatchObject({ status: 'ok', listed: 1, copied: 1 })
    const total = events.at(-1)
    for (const name of ['listed', ...states, 'bytes']) {
      expect(total?.[name]).toBe(ends.reduce((sum, end) => sum + (end[name] as number), 0))
    }
  })

  it('names each failed message and each try; -vv puts the protocol on stderr', async () => {
    await using scene = await openScene({ hooks: { RETR: ({ uidl }) => (uidl === 'u2' ? refuse : undefined) } })
    const { events, stderr } = await scene.run(['run', '--json', '-vv'])
    const failure = { account: 'alice', code: 'retr-refused', transient: false }
    expect(events).toContainEqual(expect.objectContaining({ type: 'retry', attempt: 2, ...failure }))
    expect(events).toContainEqual(expect.objectContaining({ type: 'message.failed', uidl: 'u2', ...failure }))
    expect(stderr.split('\n')).toContain('alice < -ERR cannot open message')
  })
})
