import type { ImapClient } from '../imap/client.js'
import { fetchBodies, listFrom } from '../imap/fetch.js'
import { type Mailbox, openMailbox } from '../imap/mailbox.js'
import { Fault } from '../ports/fault.js'
import type { Accounted, OtherCopy, ReadBack, Receipt } from '../ports/target.js'
import { slack } from './imap-claims.js'
import { type Fingerprint, FingerprintMaker } from './imap-digest.js'
import { parseWhere, type Where, whereText } from './imap-where.js'

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

/** The folder's messages that are not accounted for, as far as their sizes are of interest. */
export async function* otherMessages(
  client: ImapClient,
  folder: string,
  { receipts, wants }: Accounted,
): AsyncIterable<OtherCopy> {
  const mailbox = await existing(client, folder)
  if (!mailbox) return
  const { dialogue } = client
  const { uidValidity } = mailbox
  const accounted = new Set<number>()
  for await (const { where } of receipts) {
    const place = parseWhere(where)
    if (place?.uidValidity === uidValidity) accounted.add(place.uid)
  }
  const uids = (await listFrom(dialogue, 1))
    .filter(({ uid, size }) => !accounted.has(uid) && wants(size - slack(size), size + slack(size)))
    .map(({ uid }) => uid)
  for (let at = 0; at < uids.length; at += pageSize) {
    const page = uids.slice(at, at + pageSize)
    for (const [uid, maker] of await fetchBodies(dialogue, page, () => new FingerprintMaker())) {
      const { sha256, loose } = maker.finish()
      yield { where: whereText({ uidValidity, uid, loose: undefined }), seen: `UID ${uid}`, digests: [sha256, loose] }
    }
  }
}

const pageSize = 500
