/**
 * Modified UTF-7 (RFC 3501 §5.1.3): printable US-ASCII stays, `&` becomes `&-`, everything else is UTF-16 in base64
 * with `,` for `/`.
 */
export function toModifiedUtf7(name: string): string {
  return name.replaceAll(/&|[^\x20-\x7e]+/g, (part) => {
    if (part === '&') return '&-'
    const utf16 = Buffer.from(part, 'utf16le').swap16()
    return `&${utf16.toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`
  })
}

/** What a server calls its folders. */
export interface NameSpace {
  /** In front of every name of ours: `INBOX.`, or empty. */
  readonly prefix: string
  /** Between levels; undefined where there are no levels. */
  readonly delimiter: string | undefined
}

/**
 * The server's name of a folder that the plan writes with `/` between its levels, before encoding; undefined where the
 * server has no levels and the folder does (QUIRKS APP-15).
 */
export function serverName(folder: string, { prefix, delimiter }: NameSpace): string | undefined {
  const levels = folder.split('/')
  if (levels[0]?.toUpperCase() === 'INBOX') levels[0] = 'INBOX'
  if (levels.length === 1 && levels[0] === 'INBOX') return 'INBOX'
  if (delimiter === undefined && levels.length > 1) return undefined
  // A delimiter inside a name would make a level of it.
  const clean = delimiter === undefined ? levels : levels.map((level) => level.replaceAll(delimiter, '_'))
  const name = clean.join(delimiter ?? '')
  return name.startsWith(prefix) || levels[0] === 'INBOX' ? name : prefix + name
}
