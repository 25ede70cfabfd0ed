import { describe, expect, it } from 'vitest'
import { type Action, rewrite, send, stall } from '../support/fake-actions.js'
import { readMaildir } from '../support/rig.js'
import { openScene, type Scene } from './scene.js'

const five = ['one', 'two', 'three', 'four', 'five'].map((word) => `Subject: ${word}\r\n\r\nText ${word}.\r\n`)
const plan = () => ({
  timeouts: { stall: '1s', reply: '2s' },
  retry: { attempts: 3, minDelay: '1ms', maxDelay: '2ms' },
})

/** What the Maildir holds, without the messages that are always right. */
async function odd({ folder }: Scene): Promise<readonly string[]> {
  const files = await readMaildir(folder.at('mail', 'alice'))
  const whole = new Set(five.map((text) => text.replaceAll('\r\n', '\n')))
  return files.map(({ bytes }) => String(bytes)).filter((text) => !whole.has(text))
}

describe.concurrent.each(['on', 'off'])('a server that frames messages wrongly, pipelining %s', (pipelining) => {
  const source = { pipelining }

  it('RET-03 does not double leading dots: nothing is taken away, and it is flagged', async () => {
    const dotted = 'Subject: dots\r\n\r\n.foo\r\n..bar\r\n'
    const RETR = (): Action =>
      rewrite((reply) => String(reply).replace('\r\n..foo', '\r\n.foo').replace('...bar', '..bar'))
    await using scene = await openScene({ messages: [dotted], source, hooks: { RETR } })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(await odd(scene)).toEqual(['Subject: dots\n\n.foo\n.bar\n'])
    expect(events).toContainEqual(expect.objectContaining({ type: 'message.flagged', flag: 'unstuffed-dot' }))
  })

  it('RET-04 does not double a lone dot: no forged mail is stored, the message fails, the others are copied', async () => {
    const evil = 'Subject: evil\r\n\r\n.\r\n+OK 0 octets\r\nForged: yes\r\n\r\n.\r\n'
    const RETR = ({ uidl }: { readonly uidl: string | undefined }): Action | undefined =>
      uidl === 'u6' ? send(`+OK\r\n${evil}.\r\n`) : undefined
    await using scene = await openScene({
      messages: [...five, evil],
      source,
      hooks: { RETR },
      plan,
    })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.at(-1)).toMatchObject({ copied: 5, failed: 1 })
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'message.failed', uidl: 'u6', code: 'breaks-session' }),
    )
    expect(await odd(scene)).toEqual([])
    expect(scene.server.retrs('u6')).toBe(2)
  })

  it.each<[string, string]>([
    ['RET-06 a terminator glued to the last line', 'Subject: three\r\n\r\nText three..\r\n'],
    ['RET-07 half a terminator', 'Subject: three\r\n\r\nText three.\r\n.\r'],
    ['RET-20 an error in the middle', 'Subject: three\r\n-ERR disk on fire\r\n'],
  ])('%s: the message is reported, the others are copied', async (_name, reply) => {
    const RETR = ({ uidl }: { readonly uidl: string | undefined }): readonly Action[] | undefined =>
      uidl === 'u3' ? [send(`+OK\r\n${reply}`), stall] : undefined
    await using scene = await openScene({ messages: five, source, hooks: { RETR }, plan })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(3)
    expect(events.at(-1)).toMatchObject({ copied: 4, failed: 1, pending: 0 })
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'message.failed', uidl: 'u3', code: 'breaks-session' }),
    )
    expect(await odd(scene)).toEqual([])
  })
})
