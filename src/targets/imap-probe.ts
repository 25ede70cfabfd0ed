import type { ImapClient } from '../imap/client.js'
import { askQuotas } from '../imap/quota.js'
import type { Probe } from '../ports/check.js'

/** What a signed-in account offers. Its folders are not looked at, let alone created. */
export async function probeAccount(client: ImapClient): Promise<Probe> {
  const { octets: quota } = await askQuotas(client, 'INBOX')
  const { connection } = client.dialogue.wire
  if (quota && quota.used >= quota.limit) {
    throw connection.fault('over-quota', `the mailbox is full (${quota.used} of ${quota.limit} octets)`)
  }
  return { signIn: client.facts, ...(quota && { quota }) }
}
