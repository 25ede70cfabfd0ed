import type { ImapClient } from '../imap/client.js'
import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies, type Listed, listFrom } from '../imap/fetch.js'
import { type Mailbox, openMailbox } from '../imap/mailbox.js'
import { Fault } from '../ports/fault.js'
import type { Message } from '../ports/message.js'
import type { Accounted, OtherCopy, ReadBack, Receipt, StandingForm } from '../ports/target.js'
import { candidates, slack } from './imap-claims.js'
import { type Fingerprint, fingerprint, FingerprintMaker, kinOf } from './imap-digest.js'
import { digestIn, parseWhere, shortened, type Where, whereText } from './imap-where.js'

/** Reads the receipts' messages back, a page at a time; without the folder all are missing. */
export async function* readFolder(
  client: ImapClient,
  folder: string,
  receipts: AsyncIterable<Receipt>,
): AsyncIterable<ReadBack> {
  const mailbox = await existing(client, folder)
  const reader = mailbox && new Reader(client.dialogue, mailbox)
  for await (const page of pages(receipts)) {
    if (reader) yield* reader.read(page)
    else for (const { key } of page) yield { key, state: 'missing' }
  }
}

async function* pages(receipts: AsyncIterable<Receipt>): AsyncIterable<readonly Receipt[]> {
  let page: Receipt[] = []
  for await (const receipt of receipts) {
    page.push(receipt)
    if (page.length < pageSize) continue
    yield page
    page = []
  }
  yield page
}

/** Undefined where there is no such folder. */
export async function existing({ dialogue, capabilities }: ImapClient, folder: string): Promise<Mailbox | undefined> {
  try {
    return await openMailbox(dialogue, { folder, capabilities, create: false, warn: () => undefined })
  } catch (error) {
    if (error instanceof Fault && error.code === 'target-gone') return undefined
    throw error
  }
}

class Reader {
  readonly #dialogue: Dialogue
  readonly #mailbox: Mailbox
  /** Everything that stands there; only where the server gave no UIDs. */
  #listed: readonly Listed[] | undefined
  /** Looked at, and not found to be one of the receipts' yet. */
  readonly #free = new Map<number, Fingerprint>()
  readonly #looked = new Set<number>()

  constructor(dialogue: Dialogue, mailbox: Mailbox) {
    this.#dialogue = dialogue
    this.#mailbox = mailbox
  }

  async *read(page: readonly Receipt[]): AsyncIterable<ReadBack> {
    const places = page.map(({ where }) => parseWhere(where))
    const here = (place: Where | undefined): place is Where => place?.uidValidity === this.#mailbox.uidValidity
    const uids = places.filter(here).map(({ uid }) => uid)
    const makers = await fetchBodies(this.#dialogue, uids, () => new FingerprintMaker())
    await this.#search(page.filter((_, index) => places[index] === undefined))
    for (const [index, receipt] of page.entries()) {
      const place = places[index]
      const found = here(place) ? makers.get(place.uid)?.finish() : undefined
      if (place) yield { key: receipt.key, state: found ? compare(found, receipt, place) : 'missing' }
      else yield { key: receipt.key, state: this.#take(receipt) ? 'intact' : 'missing' }
    }
  }

  /** Reads what may be one of these messages, each once. */
  async #search(receipts: readonly Receipt[]): Promise<void> {
    if (receipts.length === 0) return
    this.#listed ??= await listFrom(this.#dialogue, 1)
    const sizes = receipts.map(({ size }) => size)
    const uids = candidates(this.#listed, sizes).filter((uid) => !this.#looked.has(uid))
    for (const [uid, maker] of await fetchBodies(this.#dialogue, uids, () => new FingerprintMaker())) {
      this.#looked.add(uid)
      this.#free.set(uid, maker.finish())
    }
  }

  /** One copy for each receipt, so that twins have to be two. */
  #take({ sha256, stored, where }: Receipt): boolean {
    const exact = stored ?? sha256
    const copies = [...this.#free]
    const [uid] =
      copies.find(([, copy]) => copy.sha256 === exact) ??
      copies.find(([, { loose }]) => shortened(loose) === digestIn(where)) ??
      []
    return uid !== undefined && this.#free.delete(uid)
  }
}

function compare({ sha256, loose, body }: Fingerprint, receipt: Receipt, place: Where): 'intact' | 'altered' {
  if (sha256 === (receipt.stored ?? receipt.sha256)) return 'intact'
  if (place.loose !== undefined && loose.startsWith(place.loose)) return 'intact'
  return place.body !== undefined && body.startsWith(place.body) ? 'intact' : 'altered'
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
  /** Without UIDs: how many there are of each. */
  const digests = new Map<string, number>()
  for await (const { where } of receipts) {
    const place = parseWhere(where)
    const digest = digestIn(where)
    if (place?.uidValidity === uidValidity) accounted.add(place.uid)
    if (digest !== undefined) digests.set(digest, (digests.get(digest) ?? 0) + 1)
  }
  const uids = (await listFrom(dialogue, 1))
    .filter(({ uid, size }) => !accounted.has(uid) && wants(size - slack(size), size + slack(size)))
    .map(({ uid }) => uid)
  for (let at = 0; at < uids.length; at += pageSize) {
    const page = uids.slice(at, at + pageSize)
    for (const [uid, maker] of await fetchBodies(dialogue, page, () => new FingerprintMaker())) {
      const found = maker.finish()
      const { sha256, loose } = found
      const left = digests.get(shortened(loose)) ?? 0
      digests.set(shortened(loose), left - 1)
      if (left > 0) continue
      const kin = [kinOf(found, false), found.plain ? kinOf(found, true) : undefined]
      const known = [sha256, loose, ...kin.filter((digest) => digest !== undefined)]
      yield { where: whereText({ uidValidity, uid }), seen: `UID ${uid}`, digests: known }
    }
  }
}

const pageSize = 500

/** As it was sent; where it is not plain, with other line ends; with header lines that the server has added. */
export async function formsOf(message: Message, date: number | undefined): Promise<readonly StandingForm[]> {
  const { key, sha256, size } = message
  const whole = await fingerprint(message)
  const { loose, body, plain } = whole
  const kin = kinOf(whole, plain)
  const told = (more: Partial<Where>) => (where: string) => {
    const place = parseWhere(where)
    return { key, sha256, size, where: place ? whereText({ ...place, ...more }) : where, flags: [], date }
  }
  return [
    { digest: sha256, receipt: told(plain ? {} : { loose }) },
    ...(plain ? [] : [{ digest: loose, receipt: told({ loose }) }]),
    ...(kin === undefined ? [] : [{ digest: kin, receipt: told({ loose, body }) }]),
  ]
}
