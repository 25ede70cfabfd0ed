import { describe, expect, it } from 'vitest'
import { rewrite, send } from '../support/fake-actions.js'
import type { Hooks } from '../support/fake-pop3-server.js'
import { readMaildir } from '../support/rig.js'
import { openScene } from './scene.js'

const raw = Buffer.from('Subject: Gr\u00fc\u00dfe\r\n\r\nText\r\n')

/** As Courier sends it to a client that has not said UTF8; the boundary is another one at every fetch. */
const wrapped = (boundary: number): string =>
  [
    'From: Mail Delivery Subsystem <postmaster>',
    'Subject: Cannot display Unicode content',
    'Mime-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="=_${boundary}"`,
    '',
    `--=_${boundary}`,
    'Content-Type: message/global',
    '',
    raw.toString('latin1'),
    `--=_${boundary}--`,
    '',
  ].join('\r\n')

/** A server like Courier; `accepts`: the answer to UTF8. */
function courier(accepts: string): Hooks {
  const unicode = new Set<number>()
  return {
    UTF8: ({ session }) => {
      if (accepts.startsWith('+OK')) unicode.add(session)
      return send(`${accepts}\r\n`)
    },
    RETR: ({ session, count }) => (unicode.has(session) ? undefined : rewrite(() => `+OK\r\n${wrapped(count)}.\r\n`)),
  }
}

describe.concurrent('CAP-08 a server that wraps messages with 8-bit headers', () => {
  it('gives the original after UTF8', async () => {
    await using scene = await openScene({ messages: [raw], capabilities: ['UTF8 USER'], hooks: courier('+OK') })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events.map(({ flag }) => flag)).not.toContain('wrapped-by-server')
    const [file] = await readMaildir(scene.folder.at('mail', 'alice'))
    expect(String(file?.bytes)).toBe(raw.toString().replaceAll('\r\n', '\n'))
    const [session] = scene.server.sessions
    expect(session?.lines.findIndex((line) => line === 'UTF8')).toBeLessThan(
      session?.lines.findIndex((line) => /^(?:AUTH|USER|APOP)/.test(line)) ?? 0,
    )
  })

  it.each<[string, readonly string[], Hooks]>([
    ['refuses UTF8', ['UTF8'], courier('-ERR no')],
    ['does not know UTF8', [], courier('-ERR no')],
  ])('is told of where it %s: the message is stored as it came, and flagged', async (_name, capabilities, hooks) => {
    await using scene = await openScene({ messages: [raw], capabilities, hooks })
    const { code, events } = await scene.run(['run', '--json'])
    expect(code).toBe(0)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'message.flagged', uidl: 'u1', flag: 'wrapped-by-server' }),
    )
    const [file] = await readMaildir(scene.folder.at('mail', 'alice'))
    expect(String(file?.bytes)).toContain('Cannot display Unicode content')
    expect(scene.server.retrs('u1')).toBe(1)
  })
})
