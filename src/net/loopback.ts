import { isIPv4 } from 'node:net'

/** Whether a name or address means this machine: nobody else listens on the way there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))
}
