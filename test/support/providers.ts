import { rewrite, send } from './fake-actions.js'
import type { FakeOptions } from './fake-pop3-server.js'

/**
 * Gmail: about 250 of the oldest messages that were not popped yet; a RETR and a clean QUIT pop, DELE or not
 * (QUIRKS PRV-01). Without the sign-in delay that it advertises, unless `loginDelay` says so.
 */
export function gmail({ loginDelay }: { readonly loginDelay?: number } = {}): FakeOptions {
  const delay = loginDelay === undefined ? [] : [`LOGIN-DELAY ${loginDelay}`]
  return { window: 250, capabilities: ['EXPIRE 0', ...delay] }
}

/**
 * Outlook.com and Microsoft 365: tokens only, in two steps; no PIPELINING; sizes that are guesses; MIME that is made anew
 * at each fetch (QUIRKS PRV-05, RET-23). The messages need a `boundary=` to show that.
 */
export function outlook({ token }: { readonly token: string }): FakeOptions {
  return {
    token,
    hooks: {
      CAPA: () => send('+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\n.\r\n'),
      LIST: () => rewrite((reply) => latin1(reply).replaceAll(/^(\d+) \d+(?=\r)/gm, '$1 4096')),
      RETR: ({ count }) => rewrite((reply) => latin1(reply).replaceAll(/_000_\w+_/g, `_000_${count}_`)),
    },
  }
}

/** Yahoo! Mail Japan: the local part is the user; a maildrop stays locked for a moment after a session (QUIRKS PRV-07). */
export function yahooJapan(): FakeOptions {
  let locked = false
  const open = (): ReturnType<typeof send> | undefined => {
    locked = !locked
    return locked ? undefined : send('-ERR [IN-USE] maildrop is locked\r\n')
  }
  return {
    hooks: {
      CAPA: () => send('+OK\r\nTOP\r\nUIDL\r\nUSER\r\nRESP-CODES\r\n.\r\n'),
      AUTH: () => send('-ERR unknown command\r\n'),
      PASS: open,
    },
  }
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1')
}
