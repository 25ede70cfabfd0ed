import { describe, expect, it } from 'vitest'
import { memoryMessage, type SampleMessage } from '../../src/sample/message.js'
import { kill } from '../support/fake-actions.js'
import { outlook, yahooJapan } from '../support/providers.js'
import { readMaildir } from '../support/rig.js'
import { account, openScene, signIns, type Scene } from './scene.js'

const thirty = Array.from({ length: 30 }, (_, index) =>
  [
    `Subject: number ${index}`,
    'Content-Type: multipart/mixed; boundary="_000_x_"',
    '',
    '--_000_x_',
    '',
    `Text ${index}.`,
    '--_000_x_--',
    '',
  ].join('\r\n'),
)
const all = thirty.map((_, index) => index)

/** The numbers of the stored messages, sorted; each must be there once. */
async function stored({ folder }: Scene): Promise<readonly number[]> {
  const files = await readMaildir(folder.at('alice'))
  return files.map(({ bytes }) => Number(/number (\d+)/.exec(String(bytes))?.[1])).toSorted((a, b) => a - b)
}

const token = 'EwBgA8l6BAAU'.repeat(120)

async function openOutlook(source: object): Promise<Scene> {
  return openScene({
    ...outlook({ token }),
    messages: thirty,
    plan: (server) => {
      const { host, port, tls, user } = server.source()
      return { accounts: [account('alice', { provider: 'outlook', host, port, tls, user, ...source })] }
    },
  })
}

const withToken = { oauth2: { accessToken: { env: 'TOKEN' } } }
const env = { TOKEN: token }

describe('PRV-05 a maildrop like that of Outlook.com and Microsoft 365', () => {
  it('is copied with a token, sizes that are guesses count for nothing, and the next run finds nothing new', async () => {
    await using scene = await openOutlook(withToken)
    const { code, events } = await scene.run(['run', '--json'], { env })
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 30, copied: 30 } })
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'sizes-wrong' }])
    expect(await stored(scene)).toEqual(all)
    const [session] = scene.server.sessions
    expect(session?.lines.filter((line) => signIns.test(line))).toEqual(['AUTH XOAUTH2'])
    const before = scene.server.lines.filter((line) => line.startsWith('RETR')).length
    expect(await scene.run(['run'], { env })).toMatchObject({ code: 0 })
    expect(scene.server.lines.filter((line) => line.startsWith('RETR'))).toHaveLength(before)
  })

  it('killed and run again: boundaries that change with each fetch make no second copy', async () => {
    await using scene = await openOutlook(withToken)
    let pid = 0
    const { RETR } = scene.server.hooks
    scene.server.hooks = {
      ...scene.server.hooks,
      RETR: (moment) => (moment.count === 12 ? kill(pid) : RETR?.(moment)),
    }
    await using running = scene.start(['run', '--quiet'], { env })
    pid = running.pid
    expect(await running.finished).toMatchObject({ signal: 'SIGKILL' })
    expect(await scene.run(['run'], { env })).toMatchObject({ code: 0 })
    expect(await stored(scene)).toEqual(all)
  })

  it('refuses a password, and popferry says what it accepts', async () => {
    await using scene = await openOutlook({ password: 'secret' })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout).toContain('Outlook.com accepts no passwords, only `oauth2` with the scope POP.AccessAsUser.All')
  })
})

describe('PRV-02 the second door to a Gmail mailbox, `recent:`', () => {
  it('under the same account name: a warning, and nothing that the first has given is stored again', async () => {
    const named = (from: number, to: number): readonly SampleMessage[] =>
      thirty.slice(from, to).map((text, index) => memoryMessage(`g${from + index}`, Buffer.from(text)))
    await using scene = await openScene({
      messages: named(0, 20),
      users: { 'recent:alice': { password: 'secret', messages: named(10, 30) } },
      plan: (server) => ({ accounts: [account('alice', server.source())] }),
    })
    expect(await scene.run(['run', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    const recent = { ...scene.server.source(), user: 'recent:alice' }
    await scene.plan({ accounts: [account('alice', recent)] })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 20, copied: 10, present: 10 } })
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'maildrop-changed' }])
    expect(await stored(scene)).toEqual(all)
  })
})

describe('PRV-07 a maildrop like that of Yahoo! Mail Japan', () => {
  it('stays locked for a moment after each session: each message arrives once all the same (QUIRKS SES-02)', async () => {
    await using scene = await openScene({
      ...yahooJapan(),
      messages: thirty,
      cutEvery: 12,
      plan: (server) => ({
        retry: { attempts: 3, minDelay: '1ms', maxDelay: '2ms' },
        accounts: [account('alice', { provider: 'yahoo-japan', ...server.source() })],
      }),
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect({ code, end: events.at(-1) }).toMatchObject({ code: 0, end: { listed: 30, copied: 30 } })
    expect(events.filter(({ code: why }) => why === 'locked')).not.toEqual([])
    expect(await stored(scene)).toEqual(all)
  })

  it('takes the local part only, and popferry says so', async () => {
    await using scene = await openScene({
      ...yahooJapan(),
      plan: (server) => ({
        accounts: [account('alice', { provider: 'yahoo-japan', ...server.source(), user: 'alice@yahoo.co.jp' })],
      }),
    })
    const { code, stdout } = await scene.run(['run'])
    expect(code).toBe(3)
    expect(stdout).toContain('`user` must be what stands before the @')
  })
})
