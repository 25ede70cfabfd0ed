import { closest, distance } from 'fastest-levenshtein'
import { providers } from './all.js'
import type { Protocol, Provider } from './provider.js'

/** The provider that the plan names, else the one whose server this is: of two at one server, the one of the user's domain. */
export function findProvider(
  id: string | undefined,
  host: string,
  user: string,
  protocol: Protocol = 'pop3',
): Provider | undefined {
  if (id !== undefined) return providers.find((provider) => provider.id === id)
  const domain = domainOf(user)
  const here = providers.filter((provider) => provider[protocol]?.host === host)
  return (
    here.find(({ domains }) => domains.includes(domain)) ?? here.find(({ domains }) => domains.length === 0) ?? here[0]
  )
}

/** The provider of an address, by its domain; or of a domain alone, or the one with this id. Asks no server. */
export function providerOf(address: string): Provider | undefined {
  const domain = domainOf(address)
  return (
    providers.find(({ id, domains }) => domains.includes(domain) || id === domain) ??
    providers.find(({ domains }) => domains.some((pattern) => isCountryOf(pattern, domain)))
  )
}

export function domainOf(address: string): string {
  return address
    .slice(address.lastIndexOf('@') + 1)
    .toLowerCase()
    .replace(/\.$/, '')
}

/** `yahoo.*` stands for yahoo.fr, yahoo.co.uk and yahoo.com.br. */
function isCountryOf(pattern: string, domain: string): boolean {
  if (!pattern.endsWith('.*') || !domain.startsWith(pattern.slice(0, -1))) return false
  return /^(?:com?\.)?[a-z]{2}$/.test(domain.slice(pattern.length - 1))
}

/** The host of a provider that a name without an address may have been meant for: `pop.gmial.com`. */
export function nearestHost(host: string): string | undefined {
  const nearest = closest(
    host,
    providers.flatMap(({ pop3 }) => pop3?.host ?? []),
  )
  const apart = distance(host, nearest)
  // Of short names too many are alike.
  return apart > 0 && apart <= (nearest.length > 12 ? 2 : 1) ? nearest : undefined
}
