import { messageFiles } from './maildir-folder.js'
import { accountOf, baseOf, shortened, uniquePart } from './maildir-name.js'

/** For which messages there are files with names of ours: 8 octets each, as a Maildir may hold hundreds of thousands. */
export class Accounts {
  #numbers = new Float64Array(1024)
  #size = 0

  /** `gotOn` is called while it takes long. */
  static async in(folder: string, gotOn: () => void): Promise<Accounts> {
    const accounts = new Accounts()
    for await (const { name } of messageFiles(folder)) {
      const unique = uniquePart(name)
      if (unique !== undefined) accounts.#add(shortened(accountOf(unique)))
      gotOn()
    }
    accounts.#numbers = accounts.#numbers.slice(0, accounts.#size).sort()
    return accounts
  }

  /** By 48 bits: where it may, somebody has to look for the name. */
  mayHave(account: string): boolean {
    const wanted = shortened(account)
    let first = 0
    for (let end = this.#size; first < end;) {
      const middle = (first + end) >> 1
      if ((this.#numbers[middle] ?? Infinity) < wanted) first = middle + 1
      else end = middle
    }
    return this.#numbers[first] === wanted
  }

  #add(number: number): void {
    if (this.#size === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#size)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#size++] = number
  }
}

/** The names of the files with these parts, as they were given. */
export async function basesOf(folder: string, uniques: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const bases = new Set<string>()
  if (uniques.size === 0) return bases
  for await (const { name } of messageFiles(folder)) if (uniques.has(uniquePart(name) ?? '')) bases.add(baseOf(name))
  return bases
}
