import type { Clock } from '../ports/clock.js'

/** Since when a lane has stood still, whether it opens, works or comes to its end. */
export class Stillness {
  readonly #clock: Clock
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  readonly gotOn = (): void => {
    this.#since = this.#clock.monotonic()
  }

  get ms(): number {
    return this.#clock.monotonic() - this.#since
  }
}
