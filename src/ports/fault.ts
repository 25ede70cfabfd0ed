/** How far a fault's damage goes: everything below the scope is lost with it, nothing above. */
export type Scope = 'message' | 'session' | 'account' | 'target' | 'run'

interface FaultKind {
  readonly scope: Scope
  /** True for reasons that pass by themselves: retried in this run, exit code 75 when they outlast it. */
  readonly transient: boolean
  /** What the admin should do. */
  readonly hint: string
}

/** Every way in which popferry can fail. A new code needs a line here and nothing else. */
export const faults = {
  // Reaching the server
  'unknown-host': { scope: 'account', transient: false, hint: 'check `host` for a typing error, and the DNS' },
  unreachable: { scope: 'session', transient: true, hint: 'check host, port and firewall; the next run tries again' },
  timeout: {
    scope: 'session',
    transient: true,
    hint: 'the server is slow or gone; run again later, or raise `timeouts` in the plan',
  },
  'connection-lost': { scope: 'session', transient: true, hint: 'the next run goes on where this one stopped' },
  'server-busy': { scope: 'session', transient: true, hint: 'nothing is wrong here; run again later' },
  'wrong-protocol': {
    scope: 'account',
    transient: false,
    hint: 'check `port` and `tls`: POP3 is usually on 995 with `implicit`, on 110 with `starttls`',
  },
  // TLS
  certificate: {
    scope: 'account',
    transient: false,
    hint:
      'no password was sent; if this is your server, see tlsOptions in the plan: `ca` names its authority, ' +
      '`servername` its name, `fingerprint256` exactly this certificate',
  },
  'tls-failed': { scope: 'account', transient: false, hint: 'check `tls`, `port` and tlsOptions.minVersion' },
  'starttls-missing': { scope: 'account', transient: false, hint: 'no password was sent; try `tls: implicit`' },
  'starttls-injected': {
    scope: 'account',
    transient: false,
    hint: 'no password was sent; someone may be tampering with this connection: try from another network',
  },
  // Signing in
  'auth-failed': { scope: 'account', transient: false, hint: 'check user and password; POP3 may need an app password' },
  'auth-unavailable': { scope: 'account', transient: false, hint: 'see `auth` in the plan' },
  'password-command': { scope: 'account', transient: false, hint: 'run the command by hand to see why it fails' },
  locked: { scope: 'session', transient: true, hint: 'another client has the maildrop open; close it or wait' },
  throttled: { scope: 'session', transient: true, hint: 'the server limits sign-ins or downloads; run again later' },
  // The POP3 dialogue
  protocol: { scope: 'session', transient: true, hint: 'run with -vv to see the dialogue' },
  'listing-incomplete': {
    scope: 'session',
    transient: true,
    hint: 'nothing is concluded from a part of it; run again later',
  },
  'listing-too-long': {
    scope: 'account',
    transient: false,
    hint: 'run with -vv to see what the server lists; is it a POP3 server?',
  },
  'no-uidl': {
    scope: 'account',
    transient: false,
    hint: 'set `identity: content` for this source: each run then fetches every message to see what is new',
  },
  'uidl-reset': {
    scope: 'account',
    transient: false,
    hint:
      'was the mailbox moved, rebuilt or replaced? With `onUidlReset: reidentify` (the default) each message is fetched ' +
      'once more, recognised by its bytes and not stored again',
  },
  'too-few-messages': {
    scope: 'session',
    transient: false,
    hint: 'is POP switched on for all mail, is this the right maildrop? Else lower `expectAtLeast` in the plan',
  },
  'window-blocked': {
    scope: 'session',
    transient: false,
    hint: 'what is behind them was not seen: copy them too, without `select`, or move them out of the inbox',
  },
  'spool-full': { scope: 'session', transient: true, hint: 'free some space (or inodes) for the state folder' },
  // Single messages
  'retr-refused': { scope: 'message', transient: false, hint: 'the next run asks again; the server may have lost it' },
  'delete-refused': {
    scope: 'message',
    transient: false,
    hint: 'the message is safe in every target; is the maildrop read-only? `afterCopy: keep` asks for no deletions',
  },
  'copy-unproven': {
    scope: 'session',
    transient: false,
    hint: 'run `popferry verify`; nothing is lost: these messages stay at the source',
  },
  hidden: {
    scope: 'message',
    transient: false,
    hint: 'look for it with a mail program or web mail; POP3 shows only a part of this maildrop',
  },
  'breaks-session': {
    scope: 'message',
    transient: false,
    hint: 'the next run tries again; if that fails as well, ask the server’s admin to look at the message',
  },
  'too-big': {
    scope: 'message',
    transient: false,
    hint: 'the next run offers it again, without a download: raise the limit there, or copy into another target',
  },
  'not-at-source': {
    scope: 'message',
    transient: false,
    hint: 'restore the copy from a backup, then `popferry run --repair` knows it again',
  },
  altered: {
    scope: 'message',
    transient: false,
    hint: 'nothing there was changed; remove it there, then `popferry run --repair` copies it again',
  },
  'quarantine-damaged': {
    scope: 'message',
    transient: false,
    hint: 'it is fetched again as soon as the server lists it; check the disk of the state folder',
  },
  // Targets
  lagging: {
    scope: 'target',
    transient: true,
    hint: 'the other targets go on, and it catches up alone, in this run or the next; look at its server or disk',
  },
  'disk-full': { scope: 'target', transient: false, hint: 'free some space (or inodes) and run again' },
  'not-writable': { scope: 'target', transient: false, hint: 'check owner and permissions of the path' },
  'too-many-files': { scope: 'target', transient: true, hint: 'raise the limit of open files (ulimit -n)' },
  io: { scope: 'target', transient: false, hint: 'check the disk and the system log' },
  'target-gone': {
    scope: 'target',
    transient: false,
    hint: 'is the disk mounted? If the folder was moved, put its new path into the plan with `previously: NAME`',
  },
  'not-a-maildir': { scope: 'target', transient: false, hint: 'choose an empty folder or an existing Maildir' },
  'not-an-mbox': { scope: 'target', transient: false, hint: 'choose a new file or an existing mbox' },
  'mbox-changed': {
    scope: 'target',
    transient: false,
    hint: '`popferry verify` names what the file lacks now; `popferry run --repair` goes on with it as it is',
  },
  'mbox-tail': { scope: 'target', transient: false, hint: 'look at the end of the file; cut the fragment by hand' },
  'mbox-locked': {
    scope: 'target',
    transient: true,
    hint: 'close the program that uses the mbox; the next run tries again',
  },
  'file-full': {
    scope: 'target',
    transient: false,
    hint: 'the file system or a limit (ulimit -f) lets no file grow further: move the old one away, or copy into a Maildir',
  },
  'ledger-missing': {
    scope: 'target',
    transient: false,
    hint: 'nothing was copied twice: restore the state folder, or let `popferry run --adopt` find out what is there and copy the rest',
  },
  'append-refused': {
    scope: 'message',
    transient: false,
    hint: 'the next run tries again; see what the server says of it',
  },
  'target-refuses': {
    scope: 'target',
    transient: false,
    hint: 'see what the server says; run again when it takes mail',
  },
  'folder-refused': { scope: 'target', transient: false, hint: 'see `folder` in the plan, or create it by hand' },
  'over-quota': {
    scope: 'target',
    transient: false,
    hint: 'make room in the mailbox or raise its quota, then run again',
  },
  duplicated: {
    scope: 'target',
    transient: false,
    hint: 'look for them with a mail program and remove one of each; nothing is missing',
  },
  // The run as a whole
  held: { scope: 'run', transient: true, hint: 'wait for it to end, or stop it' },
  'plan-conflict': { scope: 'run', transient: false, hint: 'change the plan as said' },
  'state-failed': { scope: 'run', transient: false, hint: 'check the state folder, its disk and permissions' },
  'ledger-damaged': {
    scope: 'run',
    transient: false,
    hint: 'restore ledger.db and ledger.sha256 from a backup; without one, move it away, and `popferry run --adopt` makes a new one of what the targets hold',
  },
  'ledger-newer': { scope: 'run', transient: false, hint: 'use the popferry version that wrote it, or a newer one' },
  internal: { scope: 'run', transient: false, hint: 'this is a bug in popferry: please report it' },
} as const satisfies Record<string, FaultKind>

export type FaultCode = keyof typeof faults

/** What to do about a recorded code, which may be that of a later version. */
export function hintOf(code: string): string | undefined {
  return Object.hasOwn(faults, code) ? faults[code as FaultCode].hint : undefined
}

/** Facts beside the code. Texts are raw: whoever prints them escapes them. */
export interface FaultFacts {
  /** `host:port`. */
  readonly server?: string
  /** What was going on: `connect`, `greeting`, `STLS`, `sign-in`, `UIDL`, `RETR 7`, … */
  readonly phase?: string
  /** The server's own words, decoded for display, status indicator included. */
  readonly reply?: string
  /** A more fitting piece of advice than the table's. */
  readonly hint?: string
  /** Octets that had arrived of the message in progress, which seemed to be complete but was shorter than listed. */
  readonly octets?: number
  /** A pause that the server demanded. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/**
 * A failure with a code from the table. Made by adapters, decided on by the pipeline, worded by a reporter,
 * turned into an exit code in `cmd`. `message` is a plain phrase without secrets: "the certificate has expired".
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly facts: FaultFacts

  constructor(code: FaultCode, message: string, facts: FaultFacts = {}) {
    super(message, { cause: facts.cause })
    this.code = code
    this.facts = facts
  }

  get scope(): Scope {
    return faults[this.code].scope
  }

  get transient(): boolean {
    return faults[this.code].transient
  }

  get hint(): string {
    return this.facts.hint ?? faults[this.code].hint
  }

  /** What happened, where, and the server's own words. As raw as its parts. */
  get account(): string {
    const { server, phase, reply } = this.facts
    const where = [server, phase].filter((part) => part !== undefined).join(', ')
    return `${this.message}${where === '' ? '' : ` (${where})`}${reply ? `: "${reply}"` : ''}`
  }
}

/**
 * Whatever was thrown, as a Fault: what the file system says becomes `io`, other errors `internal`, with the error as
 * cause.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const message = error instanceof Error ? error.message : String(error)
  // A program that cannot be started has a path as well.
  const ofDisk = error instanceof Error && 'syscall' in error && 'path' in error && !('spawnargs' in error)
  return new Fault(ofDisk ? 'io' : 'internal', message, { cause: error })
}
