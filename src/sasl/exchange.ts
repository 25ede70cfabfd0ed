/** Who signs in where. */
export interface Identity {
  readonly user: string
  /** Whom to act as; only PLAIN carries it. */
  readonly authzid?: string | undefined
  /** As the client reached the server. */
  readonly host: string
  readonly port: number
}

/** One run of a SASL mechanism (RFC 4422 §3), as any protocol drives it: decoded bytes in and out. */
export interface Exchange {
  /** What the client says first; undefined where the server does. */
  readonly initial?: Buffer
  /**
   * Both sides have said what there is to say: only now can the server judge, and its success be one. Before, an OK is
   * at best an odd way to ask for more (QUIRKS AUT-06).
   */
  readonly judged: boolean
  /** Why the server refuses, as far as it told so within the exchange (RFC 7628 §3.2.2, RFC 5802 §7). */
  readonly refusal?: Refusal | undefined
  /** The answer to a challenge; undefined where that was no base64. Rejects with a Fault where the server breaks the mechanism. */
  respond(challenge: Buffer | undefined): Promise<Buffer>
  /** On the server's success: throws a Fault where it owes a proof. */
  finish(): void
}

/** The server's own words, decoded. */
export interface Refusal {
  readonly words: string
  /** Another token may be accepted. */
  readonly expired: boolean
}
