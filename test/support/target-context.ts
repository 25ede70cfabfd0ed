import type { TargetContext } from '../../src/ports/kind.js'
import { InstantClock } from './clock.js'

/** What a target is made with, where a test does not say otherwise. */
export function targetContext(chosen: Partial<TargetContext> = {}): TargetContext {
  return {
    account: 'alice',
    target: 'archive',
    clock: new InstantClock(),
    emit: () => undefined,
    timeouts: { connect: 5000, reply: 5000, stall: 5000, settle: 300 },
    secrets: new Map(),
    transcript: false,
    series: undefined,
    run: 'run-1',
    state: 'none',
    ...chosen,
  }
}
