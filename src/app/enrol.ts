import { Fault } from '../ports/fault.js'
import type { Enrolment, KnownAccount, KnownLane } from '../ports/ledger.js'
import type { WarningCode } from '../ports/warning.js'

/** An account of the plan, as far as recognising it goes. */
export interface Candidate {
  readonly name: string
  readonly previously?: string
  /** The server: its name, with the port where that is not the usual one. */
  readonly host: string
  readonly user: string
  readonly targets: readonly { readonly name: string; readonly previously?: string; readonly place: string }[]
}

export interface Recognition {
  readonly enrolments: readonly Enrolment[]
  readonly warnings: readonly { readonly account: string; readonly code: WarningCode; readonly message: string }[]
}

/**
 * Recognises the plan's accounts and targets among those of the ledger, also under other names (CONTRACT, Targets).
 * Throws a Fault `plan-conflict` that says what to write where a guess could lose or double mail.
 */
export function recognise(candidates: readonly Candidate[], known: readonly KnownAccount[]): Recognition {
  const conflicts: string[] = []
  const warnings: Recognition['warnings'][number][] = []
  const enrolments = candidates.map((candidate): Enrolment => {
    const { name: account, host, user } = candidate
    const old = recogniseAccount(candidate, known, conflicts)
    if (old && (nameOf(old.host) !== nameOf(host) || old.user !== user)) {
      const message = `the ledger knows this maildrop as ${old.user} at ${old.host}; its records are kept`
      warnings.push({ account, code: 'maildrop-changed', message })
    }
    const lanes = recogniseLanes(candidate, old?.lanes ?? [], conflicts)
    return { account, host, user, lanes, ...(old && old.account !== account && { was: old.account }) }
  })
  if (conflicts.length > 0) throw new Fault('plan-conflict', conflicts.join('\n'))
  return { enrolments, warnings }
}

function recogniseAccount(
  candidate: Candidate,
  known: readonly KnownAccount[],
  conflicts: string[],
): KnownAccount | undefined {
  const { name, previously, host, user } = candidate
  const sameName = known.find(({ account }) => account === name)
  const sameMaildrop = known.find((account) => account.host === host && account.user === user)
  if (sameName) {
    const { host: oldHost, user: oldUser } = sameName
    // Another server or another login may be the same maildrop after a move; both at once is another person's, and so is
    // one that is known under another name.
    if (sameMaildrop && sameMaildrop !== sameName && (oldHost !== host || oldUser !== user)) {
      conflicts.push(
        `account "${name}" was ${oldUser} at ${oldHost} and is now ${user} at ${host}, ` +
          `which is known as account "${sameMaildrop.account}": give both maildrops account names that are new`,
      )
    } else if (nameOf(oldHost) !== nameOf(host) && oldUser !== user) {
      conflicts.push(
        `account "${name}" was ${oldUser} at ${oldHost} and is now ${user} at ${host}: ` +
          `give the new maildrop a new account name`,
      )
    }
    return sameName
  }
  const renamed = known.find(({ account }) => account === previously)
  if (renamed) return renamed
  if (sameMaildrop) {
    conflicts.push(
      `the maildrop ${user} at ${host} of account "${name}" is known as account "${sameMaildrop.account}": ` +
        `write \`previously: ${sameMaildrop.account}\` under account "${name}", or call it "${sameMaildrop.account}" again`,
    )
  }
  return undefined
}

/** Without the port: servers move from one to another. */
function nameOf(host: string): string {
  return host.replace(/^(\[.*\]|[^:]*):\d+$/, '$1')
}

function recogniseLanes(candidate: Candidate, known: readonly KnownLane[], conflicts: string[]): Enrolment['lanes'] {
  const unclaimed = new Map(known.map((lane) => [lane.target, lane]))
  const claim = (lane: KnownLane | undefined): KnownLane | undefined => {
    if (lane) unclaimed.delete(lane.target)
    return lane
  }
  // A place says more than a name: the lanes that stand where they stood are settled first.
  const standing = new Map(
    candidate.targets.map((target) => [
      target,
      claim([...unclaimed.values()].find(({ place }) => place === target.place)),
    ]),
  )
  return candidate.targets.map((target) => {
    const lane = standing.get(target) ?? claim(unclaimed.get(target.previously ?? ''))
    const namesake = lane ? undefined : unclaimed.get(target.name)
    if (namesake && namesake.receipts > 0) {
      conflicts.push(
        `target "${target.name}" of account "${candidate.name}" has ${namesake.receipts} messages at ${namesake.place} ` +
          `and is now at ${target.place}: if you moved it, write \`previously: ${target.name}\` under the target; ` +
          `if it is a new target, give it another \`name\``,
      )
    }
    // A lane without receipts may go anywhere under its name.
    const old = lane ?? claim(namesake)
    return { target: target.name, place: target.place, ...(old && old.target !== target.name && { was: old.target }) }
  })
}
