import type { Unpacked } from '../debian-packages.js'

/** A kind of POP3 server that the tests know how to get and to start. */
export interface ServerKind {
  readonly name: string
  /** Where its packages are, or why it cannot be had. */
  find(): Promise<Unpacked>
  start(root: string): Promise<LiveServer>
  /** It has STLS, with the certificate `good` of the fixtures. */
  readonly stls: boolean
  /** What a client has to say before the sign-in to get mail as it is. */
  readonly beforeSignIn?: readonly string[]
  /** What it serves of a message that it was given, where that can be foretold. */
  readonly served?: (message: Buffer) => Buffer
}

/** A server of one's own on the loopback interface, with the user alice, whose password is `secret`. */
export interface LiveServer extends AsyncDisposable {
  /** For plain text. */
  readonly port: number
  /** Gives alice her mail, before anybody reads it; resolves with what the server has taken. */
  fill(messages: readonly Buffer[]): Promise<readonly Buffer[]>
}
