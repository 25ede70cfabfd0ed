import type { Provider } from './provider.js'

/** Every provider that the plan can name: a new one is one entry here. Of two with one host, the first is the more special. */
export const providers: readonly Provider[] = [
  {
    id: 'gmail',
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    pop3: { host: 'pop.gmail.com', tls: 'implicit' },
    imap: { host: 'imap.gmail.com', tls: 'implicit' },
    windowed: true,
    user: 'address',
    accepts:
      'Google accepts only an app password (https://myaccount.google.com/apppasswords), in Workspace only `oauth2`',
    switchOn: 'POP must be switched on in the settings of Gmail (Forwarding and POP/IMAP)',
    afterFetch:
      'whether Gmail keeps, archives or deletes what was fetched is set in its settings (Forwarding and POP/IMAP)',
    source: 'https://support.google.com/mail/answer/7104828',
    checked: '2026-11-24',
  },
  {
    id: 'yahoo-japan',
    name: 'Yahoo! Mail Japan',
    domains: ['yahoo.co.jp'],
    pop3: { host: 'pop.mail.yahoo.co.jp', tls: 'implicit' },
    imap: { host: 'imap.mail.yahoo.co.jp', tls: 'implicit' },
    user: 'local part',
    accepts: 'Yahoo! Japan accepts the password of the Yahoo! JAPAN ID',
    switchOn: 'access by other mail programs must be switched on in the settings of Yahoo! Mail (IMAP/POP/SMTP access)',
    source: 'https://autoconfig.thunderbird.net/v1.1/yahoo.co.jp',
    checked: '2026-11-24',
  },
  {
    id: 'outlook',
    name: 'Outlook.com',
    domains: ['outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'outlook.jp', 'hotmail.co.jp', 'live.jp'],
    pop3: { host: 'outlook.office365.com', tls: 'implicit' },
    imap: { host: 'outlook.office365.com', tls: 'implicit' },
    user: 'address',
    accepts:
      'Outlook.com accepts no passwords, only `oauth2` with the scope POP.AccessAsUser.All (a target: IMAP.AccessAsUser.All)',
    switchOn: 'POP must be switched on in the settings of Outlook.com (Mail, Forwarding and IMAP)',
    source:
      'https://support.microsoft.com/en-us/office/pop-imap-and-smtp-settings-8361e398-8af4-4e97-b147-6c6c4ac95353',
    checked: '2026-11-24',
  },
  {
    id: 'microsoft365',
    name: 'Microsoft 365',
    domains: [],
    pop3: { host: 'outlook.office365.com', tls: 'implicit' },
    imap: { host: 'outlook.office365.com', tls: 'implicit' },
    user: 'address',
    accepts:
      'Microsoft 365 accepts no passwords, only `oauth2` with the scope POP.AccessAsUser.All (a target: IMAP.AccessAsUser.All)',
    switchOn: 'its admin must allow POP for the mailbox',
    source:
      'https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth',
    checked: '2026-11-24',
  },
]
