/** What CAPA listed (RFC 2449): names in upper case with their arguments. Hints only (QUIRKS CAP-04). */
export class Capabilities {
  readonly #all = new Map<string, readonly string[]>()

  /** Takes one line of the listing: whole tokens, never substrings; what cannot be read is ignored (QUIRKS CAP-06). */
  add(line: string): void {
    const [name, ...values] = line.split(/[ \t]+/).filter((token) => token !== '')
    if (name === undefined) return
    this.#all.set(name.toUpperCase(), values)
  }

  /** Each with its arguments: `LOGIN-DELAY 60`. */
  get lines(): readonly string[] {
    return Array.from(this.#all, ([name, values]) => [name, ...values].join(' '))
  }

  has(name: string): boolean {
    return this.#all.has(name)
  }

  /** Whether a SASL mechanism is offered. */
  offers(mechanism: string): boolean {
    return this.#all.get('SASL')?.some((offered) => offered.toUpperCase() === mechanism) ?? false
  }

  /** Messages may be removed as soon as they were retrieved (RFC 2449 §6.7, QUIRKS CAP-07). */
  get expiresAtOnce(): boolean {
    return this.#all.get('EXPIRE')?.[0] === '0'
  }

  /** The pause between two sign-ins in milliseconds (RFC 2449 §6.5). */
  get loginDelayMs(): number | undefined {
    const seconds = this.#all.get('LOGIN-DELAY')?.[0]
    return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined
  }
}
