export interface StoredMail {
  readonly uid: number
  readonly bytes: Buffer
  readonly flags: readonly string[]
  /** As the client wrote it; undefined where it gave none. */
  readonly date: string | undefined
}

/** The mailboxes of the fake IMAP server, by their names on the wire. */
export class FakeMailStore {
  readonly delimiter: string
  readonly subscribed = new Set<string>()
  uidValidity: number
  readonly #mailboxes = new Map<string, { messages: StoredMail[]; uidNext: number }>([
    ['INBOX', { messages: [], uidNext: 1 }],
  ])

  constructor(uidValidity: number, delimiter: string) {
    this.uidValidity = uidValidity
    this.delimiter = delimiter
  }

  names(): readonly string[] {
    return [...this.#mailboxes.keys()]
  }

  has(name: string): boolean {
    return this.#mailboxes.has(name)
  }

  create(name: string): void {
    this.#mailboxes.set(name, { messages: [], uidNext: 1 })
  }

  messages(name: string): readonly StoredMail[] {
    return this.#box(name).messages
  }

  uidNext(name: string): number {
    return this.#box(name).uidNext
  }

  add(name: string, mail: Omit<StoredMail, 'uid'>): number {
    const box = this.#box(name)
    const uid = box.uidNext++
    box.messages.push({ uid, ...mail })
    return uid
  }

  setFlags(name: string, uids: ReadonlySet<number>, flags: readonly string[]): void {
    const box = this.#box(name)
    box.messages = box.messages.map((mail) =>
      uids.has(mail.uid) ? { ...mail, flags: [...mail.flags, ...flags] } : mail,
    )
  }

  remove(name: string, uid: number): void {
    const box = this.#box(name)
    box.messages = box.messages.filter((mail) => mail.uid !== uid)
  }

  /** Changes an octet of a message's text. */
  alter(name: string, uid: number): void {
    const box = this.#box(name)
    box.messages = box.messages.map((mail) => {
      if (mail.uid !== uid) return mail
      const bytes = Buffer.from(mail.bytes)
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5)
      return { ...mail, bytes }
    })
  }

  delete(name: string): void {
    this.#mailboxes.delete(name)
  }

  #box(name: string): { messages: StoredMail[]; uidNext: number } {
    const box = this.#mailboxes.get(name)
    if (!box) throw new Error(`the fake server has no mailbox ${name}`)
    return box
  }
}
