import type { Provider } from './provider.js'

/** What is wrong with a user name, if it has not the form that the provider wants. */
export function userAdvice(provider: Provider, user: string): string | undefined {
  const isAddress = user.includes('@')
  if (provider.user === undefined || isAddress === (provider.user === 'address')) return undefined
  return isAddress ? '`user` must be what stands before the @' : '`user` must be the whole address'
}
