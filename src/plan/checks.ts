import type { PreparedAccount, PreparedTarget } from './account.js'
import type { Findings } from './diagnostic.js'
import type { Tree } from './tree.js'
import { lookUp, standsAt, textAt } from './tree.js'

/** What no schema sees: names and maildrops that appear twice. */
export function checkAccounts(accounts: readonly PreparedAccount[], findings: Findings): void {
  const maildrops = new Claims(findings, 'expected another maildrop: it is the same host and user as')
  const names = new Claims(findings, 'expected another name: it is the same as')
  const formerNames = new Claims(findings, 'expected another old name: it is the same as')
  for (const { tree, name, targets } of accounts) {
    maildrops.claim(maildropOf(tree), tree.at)
    names.claim(name, standsAt(tree, 'name'))
    formerNames.claim(textAt(tree, 'previously'), standsAt(tree, 'previously'))
    checkTargets(targets, findings)
  }
  for (const { tree, name } of accounts) {
    const former = textAt(tree, 'previously')
    if (former !== undefined && former !== name && names.has(former)) {
      findings.add(standsAt(tree, 'previously'), 'expected an old name: another account of this plan has it now')
    }
  }
}

function maildropOf(account: Tree): string | undefined {
  const host = textAt(account, 'source', 'host')
  const user = textAt(account, 'source', 'user')
  if (host === undefined || user === undefined) return undefined
  // Through tunnels, different servers are ports of one host.
  const port = lookUp(account, ['source', 'port'])
  const usual = (textAt(account, 'source', 'tls') ?? 'implicit') === 'implicit' ? 995 : 110
  return JSON.stringify([host, user, port?.kind === 'leaf' ? port.value : usual])
}

function checkTargets(targets: readonly PreparedTarget[], findings: Findings): void {
  const names = new Claims(findings, 'expected another `name`: it is the same as')
  const formerNames = new Claims(findings, 'expected another old name: it is the same as')
  for (const { tree, name } of targets) {
    names.claim(name, standsAt(tree, 'name'))
    formerNames.claim(textAt(tree, 'previously'), standsAt(tree, 'previously'))
  }
}

/** Values that may appear once. */
class Claims {
  readonly #findings: Findings
  readonly #complaint: string
  readonly #positions = new Map<string, number>()

  constructor(findings: Findings, complaint: string) {
    this.#findings = findings
    this.#complaint = complaint
  }

  claim(value: string | undefined, at: number): void {
    if (value === undefined) return
    const first = this.#positions.get(value)
    if (first === undefined) this.#positions.set(value, at)
    else if (!this.#findings.has(at)) {
      this.#findings.add(at, `${this.#complaint} that of ${this.#findings.lineOf(first, at)}`)
    }
  }

  has(value: string): boolean {
    return this.#positions.has(value)
  }
}
