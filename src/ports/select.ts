/** Which messages of a maildrop are copied (CONTRACT, `select`): those that fulfil everything that is given. */
export interface Select {
  /** The greatest age, ms. */
  readonly newerThan?: number
  /** The least age, ms. */
  readonly olderThan?: number
  /** Octets. */
  readonly maxSize?: number
}
