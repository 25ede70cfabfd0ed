/** The day on which the list was last compared with its sources. */
export const lookedUp = '2026-11-24'

/** Thunderbird's public list of mail servers, by domain. */
export function ispdb(domain: string): string {
  return `https://autoconfig.thunderbird.net/v1.1/${domain}`
}
