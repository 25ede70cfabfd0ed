import type { Estimate } from '../ports/check.js'
import type { AccountMemory } from '../ports/ledger.js'
import type { Concurrency } from './turns.js'

/** Messages and their octets. */
export interface Amount {
  readonly messages: number
  readonly bytes: number
}

/** What tells how fast a maildrop can be copied. */
export interface Means {
  /** How long the server takes to answer, ms. */
  readonly latencyMs: number
  /** Commands need not wait for answers. */
  readonly pipelined: boolean
  /** How fast an earlier run was. */
  readonly speed?: AccountMemory['speed'] | undefined
  /** Bytes a second that the plan allows. */
  readonly bandwidth?: number | undefined
}

/** How long a run takes for so much. By what an earlier run took, else by the latency and what lines and servers are like. */
export function estimate(amount: Amount, means: Means): Estimate {
  const { speed, bandwidth = Infinity } = means
  const { from, to } = speed ? byExperience(amount, speed) : byLatency(amount, means)
  const atLeast = amount.bytes / bandwidth
  return { from: Math.max(from, atLeast), to: Math.max(to, atLeast * tolerance) }
}

/** The same for accounts that work side by side. `bandwidth` is for all of them. */
export function estimateAll(
  accounts: readonly (Estimate & Amount & { readonly host: string })[],
  { accounts: atOnce, perHost }: Concurrency,
  bandwidth = Infinity,
): Estimate {
  const hosts = [...new Set(accounts.map(({ host }) => host))]
  const total = (end: 'from' | 'to'): number => {
    const sum = (some: typeof accounts): number => some.reduce((seconds, one) => seconds + one[end], 0)
    const ofHosts = hosts.map((host) => sum(accounts.filter((one) => one.host === host)) / perHost)
    return Math.max(sum(accounts) / atOnce, ...ofHosts, ...accounts.map((one) => one[end]))
  }
  const atLeast = accounts.reduce((bytes, one) => bytes + one.bytes, 0) / bandwidth
  return { from: Math.max(total('from'), atLeast), to: Math.max(total('to'), atLeast * tolerance) }
}

function byExperience({ messages, bytes }: Amount, speed: NonNullable<Means['speed']>): Estimate {
  const amounts = [
    [messages, speed.messages],
    [bytes, speed.bytes],
  ] as const
  // Of nothing there is no share: some servers list every message with a size of 0 (QUIRKS LST-14).
  const seconds = amounts.flatMap(([now, then]) => (then > 0 ? [(now / then) * (speed.ms / 1000)] : []))
  return { from: Math.min(...seconds) / tolerance, to: Math.max(...seconds) * tolerance }
}

function byLatency({ messages, bytes }: Amount, { latencyMs, pipelined }: Means): Estimate {
  // A window of RETRs shares a round trip; what a server needs for each message it needs all the same.
  const trips = pipelined ? { from: 1 / 16, to: 1 / 2 } : { from: 1, to: 2 }
  return {
    from: (messages * (trips.from * latencyMs + serverMs.from)) / 1000 + bytes / lineRate.from,
    to: (messages * (trips.to * latencyMs + serverMs.to)) / 1000 + bytes / lineRate.to,
  }
}

/** What a run may take longer than the one before. */
const tolerance = 1.25
/** From the best to the worst that is usual: for each message at server and disk, and octets a second of one connection. */
const serverMs = { from: 0.3, to: 6 }
const lineRate = { from: 20 * 1024 * 1024, to: 1.5 * 1024 * 1024 }
