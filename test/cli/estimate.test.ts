import { describe, expect, it } from 'vitest'
import { delay, honest } from '../support/fake-actions.js'
import { account, openScene, type Scene } from './scene.js'
import type { FakePop3Server } from '../support/fake-pop3-server.js'

const messages = Array.from({ length: 120 }, (_, index) => `Subject: ${index}\r\n\r\n${'x'.repeat(998)}\r\n`)

async function checked(scene: Scene): Promise<{ readonly source: Record<string, unknown>; readonly text: string }> {
  const fetched = (): number => scene.server.lines.filter((line) => /^(?:RETR|TOP)/.test(line)).length
  const before = fetched()
  const { code, events } = await scene.run(['check', '--json'])
  expect(code).toBe(0)
  const { code: again, stdout } = await scene.run(['check'])
  expect(again).toBe(0)
  expect(fetched()).toBe(before)
  return {
    source: events.find(({ type }) => type === 'check.account')?.['source'] as Record<string, unknown>,
    text: stdout,
  }
}

const plan = (more: object) => (server: FakePop3Server) => ({
  accounts: [account('alice', { ...server.source(), pipelining: 'off' })],
  ...more,
})

describe.concurrent('check tells how long a run takes', { timeout: 60_000 }, () => {
  it('by the time that the server takes to answer', async () => {
    const slow = [delay(60), honest]
    const hooks = Object.fromEntries(
      ['CAPA', 'USER', 'PASS', 'AUTH', 'STAT', 'UIDL', 'LIST'].map((name) => [name, () => slow]),
    )
    await using scene = await openScene({ messages, hooks, capabilities: ['UIDL', 'USER'], plan: plan({}) })
    const { source } = await checked(scene)
    expect(source).toMatchObject({ messages: 120, missing: 120, missingBytes: source['bytes'] })
    // 120 round trips of 60 ms.
    expect(source['estimate']).toBeGreaterThanOrEqual(7)
    expect(source['estimate']).toBeLessThanOrEqual(30)
  })

  it('by the bandwidth that the plan allows', async () => {
    await using scene = await openScene({ messages, plan: plan({ limits: { bandwidth: '1KB' } }) })
    const { source, text } = await checked(scene)
    expect(source['estimate']).toBeGreaterThan(115)
    expect(source['estimate']).toBeLessThan(160)
    expect(text).toMatch(/^Ready: .*\(\d+ KB\) at the sources, about \d(?: to \d)? min to copy\.\n/)
    expect(text).toMatch(/ 120 messages \(\d+ KB\), all to copy: about \d(?: to \d)? min; /)
  })

  it('says nothing of it where nothing waits', async () => {
    await using scene = await openScene({ messages, plan: plan({}) })
    await scene.run(['run'])
    const { source, text } = await checked(scene)
    expect(source).toMatchObject({ messages: 120, missing: 0, missingBytes: 0 })
    expect(source).not.toHaveProperty('estimate')
    expect(text).toMatch(/^Ready: .* at the sources\.\n/)
    expect(text).toContain('120 messages')
    expect(text).toContain('none to copy')
  })

  it('by an earlier run', async () => {
    await using scene = await openScene({ messages, plan: plan({}) })
    const slow = [delay(25), honest]
    scene.server.hooks = { RETR: () => slow }
    expect((await scene.run(['run'])).code).toBe(0)
    scene.server.hooks = {}
    scene.server.messages = [...messages, ...messages]
    const { source } = await checked(scene)
    // As many more, and each took 25 ms at least.
    expect(source).toMatchObject({ messages: 240, missing: 120 })
    expect(source['estimate']).toBeGreaterThanOrEqual(3)
    expect(source['estimate']).toBeLessThanOrEqual(30)
  })
})
