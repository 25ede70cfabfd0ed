/** What may be wrong with a user name that a server refuses: without UTF8 it need not know what it reads (RFC 6855, RFC 6856). */
export function beyondAscii(user: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(user)) return undefined
  return (
    'check user and password; the user name has characters beyond ASCII, which were sent as UTF-8 to a server that does not ' +
    'say that it reads UTF-8: use the name in its ASCII form (xn--… for a domain) if the account has one'
  )
}
