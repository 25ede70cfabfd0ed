import { Dovecot } from '../dovecot.js'
import { findDovecot } from '../dovecot-program.js'
import type { ServerKind } from './live-server.js'

/** Dovecot with some settings of `protocol pop3 { … }`; `prepare` changes each message before it is put into the Maildir. */
export function dovecotKind(
  name: string,
  settings: readonly string[],
  prepare: (message: Buffer, index: number) => Buffer = (message) => message,
): ServerKind {
  return {
    name: `Dovecot with ${name}`,
    stls: false,
    find: findDovecot,
    start: async () => {
      const dovecot = await Dovecot.start({ pop3: settings })
      return {
        port: dovecot.ports.plain,
        fill: async (messages) => {
          await dovecot.fill('alice', messages.map(prepare))
          return messages
        },
        [Symbol.asyncDispose]: async () => dovecot[Symbol.asyncDispose](),
      }
    },
  }
}
