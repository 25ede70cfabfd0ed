import { setMaxListeners } from 'node:events'
import { Fault } from '../src/ports/fault.js'
import { signalExitCode } from './exit-code.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The contract gives ten seconds to stop at a checkpoint. */
const graceMs = 9000

/** Listens for the signals that ask a run to stop. */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController()
  #received: (typeof signals)[number] | undefined
  #limit: NodeJS.Timeout | undefined

  constructor() {
    // Each connection listens to it, and there may be as many as the plan says.
    setMaxListeners(0, this.#controller.signal)
    for (const signal of signals) process.on(signal, this.#stop)
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get received(): (typeof signals)[number] | undefined {
    return this.#received
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#limit)
    for (const signal of signals) process.off(signal, this.#stop)
  }

  readonly #stop = (signal: (typeof signals)[number]): void => {
    const exit = (): never => process.exit(signalExitCode(signal))
    // The second one means it; so does a target that does not come to its checkpoint.
    if (this.#received) exit()
    this.#received = signal
    this.#limit = setTimeout(exit, graceMs).unref()
    const hint = 'the next run goes on where this one stopped'
    this.#controller.abort(new Fault('connection-lost', `stopped by ${signal}`, { hint }))
  }
}
