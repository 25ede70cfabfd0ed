import type { FaultCode } from './fault.js'

/** What is told although nothing failed: each code, and what it says. A new one needs a line here and nothing else. */
export const warnings = {
  // The plan
  'plan-readable': 'the plan, or its table, holds a secret, and others may read the file',
  'blanks-around-user': 'a `user` begins or ends with a blank',
  plaintext: 'password and mail travel unencrypted (`tls: none`)',
  'certificate-unchecked': 'any certificate is accepted (`tlsOptions.verify: false`)',
  'old-tls': 'TLS versions before 1.2 are accepted (`tlsOptions.minVersion`)',
  'maildrop-changed': 'the account reads from another host or user than before',
  // The source
  'expires-at-once': 'the server may remove messages as soon as they were fetched',
  'window-fixed': 'the server seems to show only the newest messages',
  'uidl-reset': 'the server gave new ids to messages; each is fetched once more and recognised',
  'uidl-reused': 'the server gave a known id to another message',
  'sizes-wrong': 'the sizes that the server lists mean nothing',
  'delete-ignored': 'the server still lists messages whose deletion it had confirmed',
  'not-at-source': 'a target lacks messages that are nowhere to be had; makes exit code 3',
  // Targets
  'not-subscribed': 'an IMAP server does not subscribe the folder',
  'fewer-connections': 'an IMAP server does not allow all `connections`',
  'quota-short': 'the quota of an IMAP account leaves no room for all that waits for it',
  'late-copies': 'an IMAP server stored messages late that were stored again; ours were removed',
  rewrites: 'an IMAP server changes what it is given',
  // The run
  'quarantine-unclaimed':
    'the ledger was lost, and messages that a target had refused lie in the state folder without it',
  'ping-failed': 'the health check was not told',
  'report-failed': 'the report of `--report` was not written; makes exit code 3 (75 where it passes, 1 after a bug)',
} as const satisfies Record<string, string>

/** Or that of a fault that ended nothing. */
export type WarningCode = keyof typeof warnings | FaultCode
