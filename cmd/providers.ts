import { providers as all } from '../src/providers/all.js'
import { description, serverName } from '../src/providers/describe.js'
import { domainOf, providerOf } from '../src/providers/find.js'
import type { Provider } from '../src/providers/provider.js'
import { jsonLine } from '../src/reporters/json.js'
import { printable } from '../src/reporters/printable.js'
import { table } from '../src/reporters/table.js'
import { systemClock } from './clock.js'
import { exitCodes } from './exit-code.js'
import type { CommonOptions } from './options.js'
import type { Streams } from './streams.js'

/** `popferry providers`: the presets, or the one that serves an address. Contacts nobody. */
export function providers(address: string | undefined, { json, quiet }: CommonOptions, streams: Streams): number {
  const { stdout, stderr } = streams
  const found = address === undefined ? all : [providerOf(address) ?? []].flat()
  const exitCode = found.length > 0 ? exitCodes.done : exitCodes.incomplete
  if (json) {
    for (const provider of found) stdout.write(jsonLine('provider', provider, systemClock))
    stdout.write(jsonLine('providers.finished', { exitCode }, systemClock))
  } else if (address === undefined) stdout.write(list(found))
  else for (const provider of found) stdout.write(one(provider))
  if (address !== undefined && found.length === 0 && !json) stderr.write(unknown(address, quiet))
  return exitCode
}

function list(presets: readonly Provider[]): string {
  const rows = presets.map((provider) => [
    provider.id,
    provider.name,
    serverName(provider, 'pop3'),
    serverName(provider, 'imap'),
  ])
  return table([['PROVIDER', 'NAME', 'POP3', 'IMAP'], ...rows])
}

function one(provider: Provider): string {
  const lines = description(provider).map(([name, text]) => [`  ${name}`, text])
  return `${provider.name}\n${table(lines)}`
}

function unknown(address: string, quiet: boolean): string {
  const domain = printable(domainOf(address))
  const advice =
    'the name alone does not tell who serves a domain of its own: its MX record does, and then `provider: NAME` or `host` ' +
    'goes into the plan; `popferry providers` lists the names'
  return `${domain}: no preset serves it by its name${quiet ? '' : ` — ${advice}`}\n`
}
