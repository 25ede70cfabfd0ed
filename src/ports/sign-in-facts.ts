/** What secures a connection. Texts are the server's own, raw: whoever prints them escapes them. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly version: string
  /** By its standard name. */
  readonly cipher: string
  /** Whom the certificate names, and who issued it: common names, where there are some. */
  readonly subject: string
  readonly issuer: string
  /** The end of the certificate's validity, in ms since 1970; undefined where it cannot be read. */
  readonly validTo: number | undefined
}

/** How a connection was signed in, and what its server offers since. Texts are raw. */
export interface SignInFacts {
  /** Undefined without TLS. */
  readonly tls: TlsFacts | undefined
  /** The mechanism that was used, as `auth` in a plan names it: `user`, `scram-sha-256`, … */
  readonly mechanism: string
  /** As the server lists them; empty where it lists none. */
  readonly capabilities: readonly string[]
  /** The shortest time in which it has answered a command, ms; where that was measured. */
  readonly latencyMs?: number
  /** Commands need not wait for the answers of those before. */
  readonly pipelined?: boolean
}
