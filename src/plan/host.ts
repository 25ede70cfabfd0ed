import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

/** A host name in lower case, its international labels as A-labels; or what was expected instead, without repeating it. */
export function hostName(text: string): { readonly name: string } | { readonly problem: string } {
  if (/[/@]/.test(text)) return { problem: 'expected the bare name of a host, not a URL or an address of someone' }
  if (/\s/.test(text)) return { problem: 'expected a host name without blanks' }
  const address = text.replace(/^\[(.*:.*)\]$/, '$1')
  if (isIP(address) > 0) return { name: address.toLowerCase() }
  if (text.includes(':')) return { problem: 'expected a host name alone; the port goes into `port`' }
  // The mapping also turns forms such as 0x7f.1 into addresses: only international names need it.
  const name = /\P{ASCII}/u.test(text) ? domainToASCII(text) : text.toLowerCase()
  const valid = name.length <= 253 && name.replace(/\.$/, '').split('.').every(isLabel)
  return valid ? { name } : { problem: 'expected a host name such as pop.example.org' }
}

function isLabel(label: string): boolean {
  return /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label)
}
