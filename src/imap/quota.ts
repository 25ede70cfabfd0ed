import type { ImapClient } from './client.js'
import type { Response } from './response.js'
import { listOf, textOf } from './value.js'

/** What a quota root allows of one resource, and how much of it is used: octets, or messages. */
export interface Quota {
  readonly used: number
  readonly limit: number
}

/** The tightest limits over a mailbox; a resource is absent where no limit is told. */
export interface Quotas {
  readonly octets?: Quota
  readonly messages?: Quota
}

/** Asks for the quota of a mailbox, by its name on the wire (RFC 9208 §4.1.2, RFC 2087 §4.3). */
export async function askQuotas({ capabilities, dialogue }: ImapClient, mailbox: string): Promise<Quotas> {
  if (!capabilities.has('QUOTA')) return {}
  dialogue.wire.connection.phase = 'GETQUOTAROOT'
  let octets: Quota | undefined
  let messages: Quota | undefined
  await dialogue.run(['GETQUOTAROOT ', { text: mailbox }], {
    untagged: (response) => {
      if (response.name !== 'QUOTA') return
      for (const [name, quota] of resourcesIn(response)) {
        if (name === 'STORAGE') octets = tighter(octets, { used: quota.used * 1024, limit: quota.limit * 1024 })
        else if (name === 'MESSAGE' || name === 'MESSAGES') messages = tighter(messages, quota)
      }
    },
  })
  return { ...(octets && { octets }), ...(messages && { messages }) }
}

function tighter(one: Quota | undefined, other: Quota): Quota {
  return one && one.limit - one.used <= other.limit - other.used ? one : other
}

/** `* QUOTA "User quota" (STORAGE 10 512 MESSAGE 3 1000)`, storage in units of 1024 octets. */
function* resourcesIn(response: Response): Iterable<readonly [string, Quota]> {
  const resources = listOf(response.data?.[1])
  for (let at = 0; at + 2 < resources.length; at += 3) {
    const [name = '', used = '', limit = ''] = resources.slice(at, at + 3).map((value) => textOf(value) ?? '')
    // Some servers say 0 where there is no limit.
    if (number.test(used) && number.test(limit) && Number(limit) > 0) {
      yield [name.toUpperCase(), { used: Number(used), limit: Number(limit) }]
    }
  }
}

const number = /^\d{1,12}$/
