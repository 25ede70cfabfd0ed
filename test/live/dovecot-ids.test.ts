import { expect, it } from 'vitest'
import { describeServer } from '../contract/live-server.js'
import { dovecotKind } from '../support/servers/dovecot-kind.js'

await describeServer(dovecotKind('ids of numbers', ['pop3_uidl_format = %08Xu%08Xv', 'pop3_lock_session = yes']))
await describeServer(
  dovecotKind('ids of file names, and flags set by RETR', ['pop3_uidl_format = %f', 'pop3_no_flag_updates = no']),
)
await describeServer(dovecotKind('ids of digests', ['pop3_uidl_format = %Mf', 'pop3_lock_session = yes']))

const sharing = dovecotKind('ids of another server', ['pop3_reuse_xuidl = yes', 'pop3_uidl_format = %g'], pairs)
await describeServer(sharing, (scene) => {
  it('lists every id of its messages twice', async () => {
    const { events } = await scene().run(['run', '--dry-run', '--json', '--state', 'other.state'])
    const ids = events.filter(({ type }) => type === 'message.wanted').map(({ uidl }) => uidl)
    expect(ids.filter((id) => id === 'old-7')).toHaveLength(2)
    expect(new Set(ids).size).toBe(Math.ceil(ids.length / 2))
  })
})

/** Two messages in a row bring the same id in their headers. */
function pairs(message: Buffer, index: number): Buffer {
  return Buffer.concat([Buffer.from(`X-UIDL: old-${index >> 1}\r\n`), message])
}
