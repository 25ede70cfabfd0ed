import type { ImapClient } from '../imap/client.js'
import type { Response } from '../imap/response.js'
import { listOf, textOf } from '../imap/value.js'
import type { Probe } from '../ports/check.js'

/** What a signed-in account offers. Its folders are not looked at, let alone created. */
export async function probeAccount(client: ImapClient): Promise<Probe> {
  const quota = await quotaOf(client)
  const { connection } = client.dialogue.wire
  if (quota && quota.used >= quota.limit) {
    throw connection.fault('over-quota', `the mailbox is full (${quota.used} of ${quota.limit} octets)`)
  }
  return { signIn: client.facts, ...(quota && { quota }) }
}

/** The tightest limit on octets over the INBOX (RFC 9208 §4.3.2, RFC 2087); undefined where none is told. */
async function quotaOf({ capabilities, dialogue }: ImapClient): Promise<Probe['quota']> {
  if (!capabilities.has('QUOTA')) return undefined
  dialogue.wire.connection.phase = 'GETQUOTAROOT'
  const told: NonNullable<Probe['quota']>[] = []
  await dialogue.run(['GETQUOTAROOT "INBOX"'], {
    untagged: (response) => {
      const quota = response.name === 'QUOTA' ? storageIn(response) : undefined
      if (quota) told.push(quota)
    },
  })
  const [tightest] = told.toSorted((one, other) => one.limit - one.used - (other.limit - other.used))
  return tightest
}

/** `* QUOTA "User quota" (STORAGE 10 512 MESSAGE 3 1000)`, in units of 1024 octets. */
function storageIn(response: Response): Probe['quota'] {
  const resources = listOf(response.data?.[1])
  for (let at = 0; at + 2 < resources.length; at += 3) {
    const [name, used, limit] = resources.slice(at, at + 3).map((value) => textOf(value) ?? '')
    if (name?.toUpperCase() !== 'STORAGE') continue
    if (number.test(used ?? '') && number.test(limit ?? ''))
      return { used: Number(used) * 1024, limit: Number(limit) * 1024 }
  }
  return undefined
}

const number = /^\d{1,12}$/
