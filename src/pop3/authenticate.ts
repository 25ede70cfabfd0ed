import { Fault } from '../ports/fault.js'
import { decodeBase64 } from '../sasl/base64.js'
import type { Exchange } from '../sasl/exchange.js'
import type { Scrubber } from '../sasl/scrubber.js'
import type { Reply } from './reply.js'
import type { Wire } from './wire.js'

/** How an attempt to sign in ended: by a reply, or by a hang-up instead of one. */
export interface Outcome {
  readonly ended: Reply | Fault
  /** What the server had been told by then: the mechanism's name, a part, or all that it needs to judge. */
  readonly told: 'name' | 'part' | 'all'
}

interface Step {
  readonly line: string
  /** The masked form. */
  readonly shown: string
  readonly told: Outcome['told']
}

/**
 * AUTH (RFC 5034 §4), with the first response in the line of the command or in its own. Servers ask for more with `+`,
 * `+ text` or `+OK`, and again for a first response that was in the command (QUIRKS AUT-06). Throws what the mechanism
 * has to say against the server.
 */
export async function authenticate(
  wire: Wire,
  { name, exchange, inLine }: { readonly name: string; readonly exchange: Exchange; readonly inLine: boolean },
  scrubber: Scrubber,
): Promise<Outcome> {
  const { initial } = exchange
  let due = inLine ? undefined : initial
  let ignorable = inLine ? initial : undefined
  const answer = (response: Buffer): Step => {
    const line = response.toString('base64')
    scrubber.add(line)
    return { line, shown: '***', told: exchange.judged ? 'all' : 'part' }
  }
  let step: Step = { line: `AUTH ${name}`, shown: `AUTH ${name}`, told: 'name' }
  if (inLine && initial) {
    const { line, told } = answer(initial)
    step = { line: `${step.line} ${line}`, shown: `${step.shown} ***`, told }
  }
  for (;;) {
    const ended = await verdict(wire, step.line, step.shown)
    if (ended instanceof Fault || !asksForMore(ended, step)) {
      if (ended instanceof Fault || !ended.ok) return { ended, told: step.told }
      await named(wire, async () => {
        exchange.finish()
      })
      return { ended, told: step.told }
    }
    const challenge = challengeOf(ended)
    due ??= challenge?.length ? undefined : ignorable
    step = answer(due ?? (await named(wire, () => exchange.respond(challenge))))
    due = undefined
    ignorable = undefined
  }
}

/** Sends what the server may judge. Many hang up on wrong credentials instead of answering (QUIRKS AUT-02). */
export async function verdict(wire: Wire, line: string, shown: string): Promise<Reply | Fault> {
  try {
    return await wire.ask(line, shown)
  } catch (error) {
    if (error instanceof Fault && error.code === 'connection-lost') return error
    throw error
  }
}

function asksForMore({ status }: Reply, { told }: Step): boolean {
  return status === 'continue' || (status === 'ok' && told !== 'all')
}

/** Undefined where it is no base64. */
function challengeOf({ line, ok }: Reply): Buffer | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1')
  return decodeBase64(text.slice(ok ? '+OK'.length : '+'.length).trim())
}

/** A mechanism does not know whom it talks to. */
async function named<T>(wire: Wire, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw wire.connection.fault(error.code, error.message, error.facts)
  }
}
