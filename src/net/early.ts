import type { FaultCode } from '../ports/fault.js'

/** What silence and hang-ups mean before the server has said anything: advice by phase and code. */
const meanings: Readonly<Record<string, Partial<Record<FaultCode, string>>>> = {
  connect: {
    timeout:
      'the host is down, or a firewall drops the connection: check host, port and firewall; the next run tries again',
  },
  'TLS handshake': {
    timeout: 'this may be no port for TLS: check `port` and `tls`; or the server is overloaded: run again later',
    'connection-lost':
      'the server, or a firewall before it, turns us away: check `port` and `tls`, and whether it blocks this machine',
  },
  greeting: {
    timeout: 'this may be no POP3 port: check `port` and `tls`; or the server is overloaded: run again later',
    'connection-lost':
      'the server turns us away without a word: it may block this machine or have too many connections; check `port`, run again later',
  },
}

/** Advice for a fault in this phase, once the server was reached at this address; undefined where the table of faults has better. */
export function earlyHint(code: FaultCode, phase: string | undefined, address: string | undefined): string | undefined {
  const hint = phase === undefined ? undefined : meanings[phase]?.[code]
  // The addresses are tried in turn until one takes the connection: what happens to it then, nobody tries again (CON-08).
  if (hint === undefined || address?.includes(':') !== true) return hint
  return `${hint}; if only IPv6 (${address}) is broken, write the IPv4 address as \`host\`, the name as tlsOptions.servername`
}
