import type { ImapClient } from '../imap/client.js'
import type { Mailbox } from '../imap/mailbox.js'
import { askQuotas, type Quota } from '../imap/quota.js'
import type { Room } from '../ports/target.js'

/** What the server says that it takes: APPENDLIMIT (RFC 7889) and quotas (QUIRKS APP-03, APP-04). */
export async function roomIn(client: ImapClient, { name, appendLimit }: Mailbox): Promise<Room> {
  const { octets, messages } = await askQuotas(client, name)
  return {
    server: client.dialogue.wire.connection.server,
    ...(appendLimit !== undefined && { largest: appendLimit }),
    ...(octets && { octets: left(octets) }),
    ...(messages && { messages: left(messages) }),
  }
}

function left({ used, limit }: Quota): number {
  return Math.max(0, limit - used)
}
