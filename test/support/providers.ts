import type { FakeOptions } from './fake-pop3-server.js'

/**
 * Gmail: about 250 of the oldest messages that were not popped yet; a RETR and a clean QUIT pop, DELE or not
 * (QUIRKS PRV-01). Without the sign-in delay that it advertises, unless `loginDelay` says so.
 */
export function gmail({ loginDelay }: { readonly loginDelay?: number } = {}): FakeOptions {
  const delay = loginDelay === undefined ? [] : [`LOGIN-DELAY ${loginDelay}`]
  return { window: 250, capabilities: ['EXPIRE 0', ...delay] }
}
