import type { Dialogue } from '../imap/dialogue.js'
import { fetchBodies, type Listed, listFrom } from '../imap/fetch.js'
import type { Clock } from '../ports/clock.js'
import type { Announced } from '../ports/target.js'
import { candidates, type Copy } from './imap-claims.js'
import { FingerprintMaker } from './imap-digest.js'

export interface Look {
  /** The first UID that may be one of a lost session. */
  readonly from: number
  readonly announced: readonly Announced[]
  /** When they were announced, ms since 1970. */
  readonly begunAt: number
  readonly clock: Clock
  /** How long a lost session may still act, ms. */
  readonly settleMs: number
}

/** What a lost session left, once it can act no more: the copies, and the first UID behind all that stands. */
export async function lookBehind(
  dialogue: Dialogue,
  look: Look,
): Promise<{ readonly copies: readonly Copy[]; readonly next: number }> {
  const listed = await still(dialogue, look)
  const sizes = look.announced.map(({ size }) => size)
  const makers = await fetchBodies(dialogue, candidates(listed, sizes), () => new FingerprintMaker())
  const copies = [...makers].map(([uid, maker]): Copy => {
    const whole = maker.finish()
    const { sha256, size, loose } = whole
    return { uid, sha256, size, loose, whole }
  })
  return { copies: copies.sort((one, other) => one.uid - other.uid), next: (listed.at(-1)?.uid ?? 0) + 1 }
}

/**
 * What stands from a UID on, as soon as it can be trusted not to grow by itself (measured: 90 ms after a SIGKILL). When the
 * last octet was sent nobody knows: a batch on a slow line takes minutes.
 */
async function still(dialogue: Dialogue, { from, begunAt, clock, settleMs }: Look): Promise<readonly Listed[]> {
  const openedAt = clock.monotonic()
  let newest = -1
  let since = openedAt
  for (;;) {
    const listed = await listFrom(dialogue, from)
    const last = listed.at(-1)?.uid ?? 0
    if (last !== newest) since = clock.monotonic()
    newest = last
    // A clock that was put back must not make anybody wait for longer.
    if (Math.abs(clock.now() - begunAt) >= longestBatchMs + settleMs) return listed
    const now = clock.monotonic()
    if (now - openedAt >= settleMs && now - since >= settleMs / 3) return listed
    await clock.sleep(Math.min(1000, Math.ceil(settleMs / 10)))
  }
}

const longestBatchMs = 30 * 60_000
