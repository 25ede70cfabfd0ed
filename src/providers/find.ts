import { closest, distance } from 'fastest-levenshtein'
import { providers } from './all.js'
import type { Provider } from './provider.js'

/** The provider that the plan names, else the one whose server this is: of two at one server, the one of the user's domain. */
export function findProvider(
  id: string | undefined,
  host: string,
  user: string,
  protocol: 'pop3' | 'imap' = 'pop3',
): Provider | undefined {
  if (id !== undefined) return providers.find((provider) => provider.id === id)
  const domain = user.slice(user.lastIndexOf('@') + 1).toLowerCase()
  const here = providers.filter((provider) => provider[protocol].host === host)
  return (
    here.find(({ domains }) => domains.includes(domain)) ?? here.find(({ domains }) => domains.length === 0) ?? here[0]
  )
}

/** The host of a provider that a name without an address may have been meant for: `pop.gmial.com`. */
export function nearestHost(host: string): string | undefined {
  const nearest = closest(
    host,
    providers.map(({ pop3 }) => pop3.host),
  )
  return distance(host, nearest) <= 2 ? nearest : undefined
}
