import { inspect } from 'node:util'

/**
 * A password or token. Prints as `***` wherever it is logged, joined, serialised or inspected;
 * only `src/sasl` (and the tests) may call `reveal`.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** Asked before every sign-in; a failing command rejects with the Fault `password-command`. */
export type SecretProvider = (signal: AbortSignal) => Promise<Secret>
