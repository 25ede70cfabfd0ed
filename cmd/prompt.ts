import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { SecretOptions } from '../src/plan/secrets.js'
import { printable } from '../src/reporters/printable.js'

/** Asks on the terminal without showing the answer; undefined where there is no terminal (QUIRKS SEC-10). */
export function terminalPrompt(signal: AbortSignal): SecretOptions['prompt'] {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return async (account, target) => {
    const whose = target === undefined ? printable(account) : `${printable(account)}, target ${printable(target)}`
    const silent = new Writable({
      write(_, __, done) {
        done()
      },
    })
    const asking = createInterface({ input: process.stdin, output: silent, terminal: true })
    // Only now: what is typed or pasted at once would be shown by the terminal as long as it is not in raw mode.
    process.stderr.write(`Password of ${whose}: `)
    // In raw mode the terminal makes no signal of Ctrl-C.
    asking.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    try {
      return await asking.question('', { signal })
    } catch (error) {
      if (signal.aborted) throw error
      // Ctrl-D: no answer.
      return ''
    } finally {
      asking.close()
      process.stderr.write('\n')
    }
  }
}
