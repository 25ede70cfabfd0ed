import { providers } from './all.js'
import type { Protocol, Provider } from './provider.js'

/** The names that `provider` of a source (`pop3`) or a target (`imap`) can have. */
export function presetNames(protocol: Protocol): readonly string[] {
  return withServer(protocol).map(({ id }) => id)
}

/** What each of these names stands for in the plan. */
export function presetSettings(protocol: Protocol): ReadonlyMap<string, Readonly<Record<string, string | number>>> {
  return new Map(withServer(protocol).map(({ id, [protocol]: server }) => [id, { ...server }]))
}

/** What to say of another name. */
export function unknownPreset(name: unknown, protocol: Protocol): string {
  const provider = providers.find(({ id }) => id === name)
  if (!provider) return 'expected a preset that `popferry providers` lists'
  if (protocol === 'pop3' && provider.imapOnly)
    return `${provider.name} has no POP3, only IMAP: it can be a target, not a source`
  const what = protocol === 'pop3' ? 'POP3' : 'IMAP'
  return `no ${what} server of ${provider.name} is known: give \`host\`, \`port\` and \`tls\` instead of \`provider\``
}

function withServer(protocol: Protocol): readonly Provider[] {
  return providers.filter((provider) => provider[protocol] !== undefined)
}
