/** What is known of one mail provider. What is not known is left out, and the plan decides. */
export interface Provider {
  /** The value of `provider` in the plan. */
  readonly id: string
  /** As it calls itself. */
  readonly name: string
  /** Its own domains; none where customers bring theirs. */
  readonly domains: readonly string[]
  /** Settings of the plan's source. */
  readonly pop3: {
    readonly host: string
    /** Only where it is not the usual one of `tls`: 995 for `implicit`, else 110. */
    readonly port?: number
    readonly tls: 'implicit' | 'starttls'
  }
  /** Settings of an IMAP target; a port only where it is not 993 for `implicit`, else 143. */
  readonly imap: Provider['pop3']
  /** POP shows only a part of the messages at a time, and the next part after a clean QUIT (QUIRKS LST-18, PRV-01). */
  readonly windowed?: true
  /** What the user name is: the whole address, or what stands before its `@`. */
  readonly user: 'address' | 'local part'
  /** What it accepts as a secret, and where one gets it; a clause for a hint. */
  readonly accepts: string
  /** What has to be switched on before the first sign-in, and where; a clause for a hint. */
  readonly switchOn: string
  /** What it does with messages once they were fetched, and where that is set; a clause for a warning (QUIRKS PRV-04). */
  readonly afterFetch?: string
  /** Where the facts come from. */
  readonly source: string
  /** When they were looked up, `YYYY-MM-DD`: such lists rot. */
  readonly checked: string
}
