import type { ImapClient } from '../imap/client.js'
import { fetchBodies } from '../imap/fetch.js'
import { type Mailbox, openMailbox } from '../imap/mailbox.js'
import { Fault } from '../ports/fault.js'
import type { ReadBack, Receipt } from '../ports/target.js'
import { type Fingerprint, FingerprintMaker } from './imap-digest.js'

/** Where a receipt's message stands: UIDVALIDITY and UID, and how it is told where servers change such a message. */
export interface Where {
  readonly uidValidity: number
  readonly uid: number
  /** Start of the loose digest, for a message that servers do not keep byte for byte. */
  readonly loose: string | undefined
}

export function whereText({ uidValidity, uid, loose }: Where): string {
  return `${uidValidity}:${uid}${loose === undefined ? '' : `:${loose}`}`
}

function parseWhere(text: string): Where | undefined {
  const [, uidValidity, uid, loose] = /^(\d+):(\d+)(?::([0-9a-f]+))?$/.exec(text) ?? []
  return uid === undefined ? undefined : { uidValidity: Number(uidValidity), uid: Number(uid), loose }
}

/** Reads the receipts' messages back, a page at a time; without the folder all are missing. */
export async function* readFolder(
  client: ImapClient,
  folder: string,
  receipts: AsyncIterable<Receipt>,
): AsyncIterable<ReadBack> {
  const mailbox = await existing(client, folder)
  let page: Receipt[] = []
  for await (const receipt of receipts) {
    page.push(receipt)
    if (page.length < pageSize) continue
    yield* readPage(client, mailbox, page)
    page = []
  }
  yield* readPage(client, mailbox, page)
}

/** Undefined where there is no such folder. */
async function existing({ dialogue, capabilities }: ImapClient, folder: string): Promise<Mailbox | undefined> {
  try {
    return await openMailbox(dialogue, { folder, capabilities, create: false, warn: () => undefined })
  } catch (error) {
    if (error instanceof Fault && error.code === 'target-gone') return undefined
    throw error
  }
}

async function* readPage(
  client: ImapClient,
  mailbox: Mailbox | undefined,
  page: readonly Receipt[],
): AsyncIterable<ReadBack> {
  const places = page.map(({ where }) => parseWhere(where))
  const uids = places.flatMap((place) => (place && place.uidValidity === mailbox?.uidValidity ? [place.uid] : []))
  const makers = await fetchBodies(client.dialogue, uids, () => new FingerprintMaker())
  for (const [index, receipt] of page.entries()) {
    const place = places[index]
    const found = place && place.uidValidity === mailbox?.uidValidity ? makers.get(place.uid) : undefined
    const state = found && place ? compare(found.finish(), receipt, place) : 'missing'
    yield { key: receipt.key, state }
  }
}

function compare({ sha256, loose }: Fingerprint, receipt: Receipt, place: Where): 'intact' | 'altered' {
  if (sha256 === (receipt.stored ?? receipt.sha256)) return 'intact'
  return place.loose !== undefined && loose.startsWith(place.loose) ? 'intact' : 'altered'
}

const pageSize = 500
