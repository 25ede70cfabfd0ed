import { isLoopback } from '../src/net/loopback.js'

type Warn = (message: string) => void

/** A run that a signal stopped has ten seconds in all. */
const patienceMs = 5000
const stoppedPatienceMs = 2000

/**
 * Tells a watcher (healthchecks.io and its like) that a run began, at the URL with `/start` behind its path, and how it
 * ended: at the URL itself, or for other exit codes than 0 with `/fail`. A ping that fails spoils nothing.
 */
export class HealthCheck {
  /** Says what went wrong with a ping. The URL is a secret of its kind: only the host is named. */
  warn: Warn
  readonly #url: URL
  #start: Promise<void> = Promise.resolve()
  #finished: Promise<void> | undefined

  constructor(url: URL, warn: Warn) {
    this.#url = url
    this.warn = warn
  }

  started(): void {
    this.#start = this.#ping('/start', patienceMs)
  }

  /** Only the first call counts. Resolves when it was heard, or is not worth waiting for. */
  async finished(exitCode: number): Promise<void> {
    this.#finished ??= this.#finish(exitCode)
    await this.#finished
  }

  async #finish(exitCode: number): Promise<void> {
    // In this order, or the watcher takes the run for one that has just begun.
    await this.#start
    await this.#ping(exitCode === 0 ? '' : '/fail', exitCode > 128 ? stoppedPatienceMs : patienceMs)
  }

  async #ping(ending: string, timeoutMs: number): Promise<void> {
    const target = new URL(this.#url)
    target.pathname = target.pathname.replace(/\/$/, '') + ending
    const problem = await request(target, timeoutMs)
    if (problem !== undefined) this.warn(`the health check at ${target.host} was not told: ${problem}`)
  }
}

/** What went wrong, if anything did. */
async function request(url: URL, timeoutMs: number): Promise<string | undefined> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
    return response.ok ? undefined : `it answered ${response.status}`
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
    // The code alone: messages repeat the URL.
    const cause: unknown = error instanceof Error ? error.cause : undefined
    return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection failed'
  }
}

/** The URL; undefined where it may not be pinged: without TLS beyond loopback, or with more in it than a place. */
export function pingUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.username !== '' || url.password !== '') return undefined
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  return safe ? url : undefined
}
