/** What a plan to start from is made of. */
export interface Starter {
  /** Of the account; may be a part of a path. */
  readonly account: string
  readonly user: string
  /** `provider: gmail` or `host: pop.example.org`: a line of the source. */
  readonly server: string
  /** What is known of the provider, one clause each. */
  readonly notes: readonly string[]
  /** Signs in with an access token instead of a password. */
  readonly oauth2: boolean
}

/** A commented plan of one account. */
export function starterPlan({ account, user, server, notes, oauth2 }: Starter): string {
  return `${opening}
accounts:
  # A name of your own. If you change it later, say what it was with \`previously:\`.
  - name: ${quoted(account)}
    source:
${comments(notes, 6)}      ${server}
      user: ${quoted(user)}
${oauth2 ? token(user) : password}
    # Only a part of the mail, for example: { newerThan: 365d, olderThan: 7d, maxSize: 50MB }
    # select: {}
    # What happens at the source afterwards: nothing, the messages stay there.
    afterCopy: keep
    targets:
${targets(4)}`
}

/** A commented plan whose accounts are the rows of a table. */
export function starterTablePlan({ server, notes, oauth2 }: Starter, table: string): string {
  return `${opening}
# One account a row. The header row names the columns: \`name\` is required, and every other one goes where the plan says
# {column}. Keep a table with passwords for yourself (chmod 600).
accountsFrom: { csv: ${quoted(table)} }

# What all accounts have in common.
defaults:
  source:
${comments(notes, 4)}    ${server}
    user: '{user}'
${oauth2 ? "    # A program that prints an access token; asked before every sign-in, no shell runs.\n    oauth2: { accessToken: { command: ['token-helper', '{user}'] } }" : '    password: { column: password }'}
  # What happens at the source afterwards: nothing, the messages stay there.
  afterCopy: keep
  targets:
${targets(2)}`
}

/** The table that goes with it, to fill in (RFC 4180). */
export function starterTable({ account, user, oauth2 }: Starter): string {
  const columns = oauth2 ? ['name', 'user'] : ['name', 'user', 'password']
  const row = [account, user, 'replace-me'].slice(0, columns.length)
  return [columns, row].map((cells) => `${cells.map(csvField).join(',')}\r\n`).join('')
}

const opening = `# What popferry copies where. Change this file, then:
#
#   popferry run --dry-run     signs in and lists what would be copied; downloads nothing
#   popferry run               copies what is missing; repeat it, interrupt it, kill it: it goes on where it stopped
#   popferry status            what is where
#
# Relative paths start at the folder of this file. Everything that can be set is in the migrate.example.yaml of popferry.
version: 1
`

const password = `      # Asked for on the terminal. For runs without one: { env: NAME }, { file: PATH }, { command: 'pass show mail/alice' },
      # or a string in quotes (then keep this file for yourself).
      password: { prompt: true }`

function token(user: string): string {
  return `      # A program that prints an access token; asked before every sign-in, no shell runs.
      oauth2: { accessToken: { command: ['token-helper', ${quoted(user)}] } }`
}

/** The list below \`targets:\`, which is indented so. */
function targets(indent: number): string {
  return `# A file for each message. {account}, {user}, {host} and {date} are filled in.
- type: maildir
  path: 'archive/{account}'
# One file for all messages:
# - type: mbox
#   path: 'archive/{account}.mbox'
# A zip archive of what is new after each run, an .eml file for each message:
# - type: eml-zip
#   path: 'archive/{account}.zip'
# A folder at an IMAP server:
# - type: imap
#   host: imap.new.example
#   user: '{account}@new.example'
#   password: { env: NEW_PASSWORD }
#   folder: INBOX
`.replaceAll(/^/gm, (_, at: number, text: string) => (at < text.length ? ' '.repeat(indent + 2) : ''))
}

/** Single quotes: nothing in them means anything. The text has no line ends. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const widest = 110

/** Each note as comment lines of this indentation. */
function comments(notes: readonly string[], indent: number): string {
  return notes
    .flatMap((note) => wrapped(note, widest - indent))
    .map((line) => `${' '.repeat(indent)}# ${line}\n`)
    .join('')
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
