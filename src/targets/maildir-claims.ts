import { basename, dirname } from 'node:path'
import type { Newline } from '../mail/line-ends.js'
import type { Receipt } from '../ports/target.js'
import { messageFiles } from './maildir-folder.js'
import { type Copy, digest, readCopy, type StoredForm } from './maildir-form.js'
import { uniquePart } from './maildir-name.js'

/** A copy that need not be made again. */
export interface Claim {
  readonly path: string
  /** Of the bytes that the copy holds, where the server sends others now. */
  readonly earlier?: Pick<Receipt, 'sha256' | 'size' | 'flags'>
}

/** What a dead run left for announced messages. */
export class Claims {
  readonly #newline: Newline
  /** By the account's part of their names. */
  readonly #files = new Map<string, readonly string[]>()

  constructor(newline: Newline) {
    this.#newline = newline
  }

  add(account: string, path: string): void {
    this.#files.set(account, [...(this.#files.get(account) ?? []), path])
  }

  /**
   * A dead run's copy of the message, wherever a mail reader has moved it since. If the server sends other bytes for the
   * key now, it is still the copy if it has the digest in its name (QUIRKS RET-23).
   */
  async take(account: string, form: StoredForm): Promise<Claim | undefined> {
    const paths = this.#files.get(account)
    if (!paths) return undefined
    this.#files.delete(account)
    const copies = await this.#copies(account, paths)
    const expected = await digest(form.chunks())
    const same = copies.find(({ stored }) => stored === expected)
    const found = same ?? copies.find(({ path, sha256 }) => uniquePart(basename(path))?.endsWith(sha256.slice(0, 20)))
    if (!found) return undefined
    const { path, sha256, size } = found
    return same ? { path } : { path, earlier: { sha256, size, flags: [] } }
  }

  async #copies(account: string, paths: readonly string[]): Promise<readonly Copy[]> {
    const copies = await this.#read(paths)
    if (copies.length === paths.length) return copies
    // A mail reader has moved one since they were listed.
    const now: string[] = []
    for (const folder of new Set(paths.map((path) => dirname(dirname(path))))) {
      for await (const { name, path } of messageFiles(folder)) if (uniquePart(name)?.startsWith(account)) now.push(path)
    }
    return this.#read(now)
  }

  async #read(paths: readonly string[]): Promise<readonly Copy[]> {
    const copies = await Promise.all(paths.map(async (path) => readCopy(path, this.#newline)))
    return copies.filter((copy) => copy !== undefined)
  }
}
