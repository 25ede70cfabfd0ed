/** What is known of one mail provider. What is not known is left out, and the plan decides. */
export interface Provider {
  /** The value of `provider` in the plan. */
  readonly id: string
  /** As it calls itself. */
  readonly name: string
  /** Its own domains; none where customers bring theirs. A last label `*` stands for those of countries. */
  readonly domains: readonly string[]
  /** Settings of the plan's source. Absent where no server is known, or there is none (`imapOnly`). */
  readonly pop3?: MailServer & {
    /** At least this long between sign-ins, as the plan has it. */
    readonly signInEvery?: string
  }
  /** Settings of an IMAP target; absent where no server is known. */
  readonly imap?: MailServer
  /** It is known to have no POP3. */
  readonly imapOnly?: true
  /** Where a customer finds the host, if each has another; a clause. */
  readonly hosts?: string
  /** POP shows only a part of the messages at a time, and the next part after a clean QUIT (QUIRKS LST-18, PRV-01). */
  readonly windowed?: true
  /** What the user name is: the whole address, or what stands before its `@`. */
  readonly user?: 'address' | 'local part'
  /** It takes no passwords. */
  readonly oauth2Only?: true
  /** What it accepts as a secret, and where one gets it; a clause for a hint. */
  readonly accepts?: string
  /** What has to be switched on before the first sign-in, and where; a clause for a hint. */
  readonly switchOn?: string
  /** What it does with messages once they were fetched, and where that is set; a clause for a warning (QUIRKS PRV-04). */
  readonly afterFetch?: string
  /** What else to know before the first run; a clause. */
  readonly note?: string
  /** Where the facts come from. */
  readonly source: string
  /** When they were looked up, `YYYY-MM-DD`: such lists rot. */
  readonly checked: string
}

export type Protocol = 'pop3' | 'imap'

export interface MailServer {
  /** Absent where each customer has another. */
  readonly host?: string
  /** Only where it is not the usual one of the protocol and `tls`. */
  readonly port?: number
  readonly tls: 'implicit' | 'starttls'
}
