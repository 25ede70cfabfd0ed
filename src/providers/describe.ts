import type { MailServer, Protocol, Provider } from './provider.js'

/** `pop.gmail.com`, with the port where it is not the usual one; or why there is no name. */
export function serverName(provider: Provider, protocol: Protocol): string {
  const server = provider[protocol]
  if (!server) return protocol === 'pop3' && provider.imapOnly ? 'none' : 'unknown'
  if (server.host === undefined) return "the customer's own"
  return server.port === undefined ? server.host : `${server.host}:${server.port}`
}

/** What is known of a provider, as lines of a name and a text. */
export function description(provider: Provider): readonly (readonly [string, string])[] {
  const { id, user, accepts, switchOn, hosts, afterFetch, note, pop3, source, checked, imapOnly } = provider
  const known: readonly (readonly [string, string | undefined])[] = [
    [
      'POP3',
      imapOnly ? `none: ${provider.name} has only IMAP, so it can be a target, not a source` : server(provider, 'pop3'),
    ],
    ['IMAP', server(provider, 'imap')],
    ['Servers', hosts],
    ['In a plan', pop3 || provider.imap ? `provider: ${id}` : undefined],
    ['User', user && userTexts[user]],
    ['Secret', accepts],
    ['Before', switchOn],
    ['After', afterFetch],
    ['Sign-ins', pop3?.signInEvery && `at least ${pop3.signInEvery} apart`],
    ['Shows', provider.windowed && 'a part of the mail at a time; popferry signs in until it has all'],
    ['Note', note],
    ['Source', `${source}, looked up on ${checked}`],
  ]
  return known.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]))
}

const userTexts = { address: 'the whole address', 'local part': 'what stands before the @' } as const

function server(provider: Provider, protocol: Protocol): string {
  const settings = provider[protocol]
  if (!settings) return 'unknown'
  return `${serverName(provider, protocol)}, port ${portOf(settings, protocol)}, ${settings.tls === 'implicit' ? 'TLS' : 'STARTTLS'}`
}

/** The port of the settings, else the usual one. */
function portOf({ port, tls }: MailServer, protocol: Protocol): number {
  return port ?? usualPorts[protocol][tls]
}

const usualPorts = { pop3: { implicit: 995, starttls: 110 }, imap: { implicit: 993, starttls: 143 } } as const
