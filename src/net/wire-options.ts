/** One line of a dialogue, secrets masked: `>` sent, `<` received, `*` remark. */
export type Transcript = (direction: '>' | '<' | '*', line: string) => void

/** Milliseconds. */
export interface Patience {
  /** TCP, TLS and greeting together; in POP3 also a CAPA before sign-in, which is always quick. */
  readonly connect: number
  /** First byte of a reply: minutes are normal (QUIRKS CON-03). */
  readonly reply: number
  /** Silence inside a reply. */
  readonly stall: number
}

/** What a protocol's framing needs beside its connection. */
export interface WireOptions {
  readonly patience: Patience
  readonly transcript?: Transcript | undefined
  /** Takes secrets out of the server's words: it may echo them (QUIRKS SEC-02). */
  readonly scrub: (text: string) => string
}
