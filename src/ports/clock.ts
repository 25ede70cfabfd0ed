/** Time and chance as arguments, so that tests own them. */
export interface Clock {
  /** Wall time, ms since 1970: for labels only. */
  now(): number
  /** Monotonic ms: for every wait and duration. */
  monotonic(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves when so much time has passed, for a limit: unlike a pause it is not expected to be over. As `sleep` otherwise. */
  limit(ms: number, signal: AbortSignal): Promise<void>
  /** 0 ≤ n < 1. */
  random(): number
}
