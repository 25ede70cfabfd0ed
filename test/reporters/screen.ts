import { Writable } from 'node:stream'

/**
 * A terminal, as far as progress bars use one: line feeds, carriage returns, wrapping, and the CSI sequences that move
 * the cursor and clear. Throws where it meets any other control.
 */
export class Screen extends Writable {
  readonly isTTY = true
  columns: number
  rows: number
  /** Rows that have scrolled off, then those that are visible; never more of the latter than `rows`. */
  readonly #rows: (string | undefined)[][] = [[]]
  #row = 0
  #column = 0

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false })
    this.columns = columns
    this.rows = rows
  }

  /** Everything that was ever printed and not overwritten, scrolled-off rows included. */
  get lines(): readonly string[] {
    const lines = this.#rows.map((row) =>
      Array.from(row, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    )
    while (lines.at(-1) === '') lines.pop()
    return lines
  }

  override _write(chunk: string, _: BufferEncoding, done: () => void): void {
    for (const [token, csi] of chunk.matchAll(/\u001b\[([\d;?]*[A-Za-z])|\u001b.?|[^\u001b]/gsu)) {
      if (csi !== undefined) this.#control(csi)
      else this.#put(token)
    }
    done()
  }

  #put(character: string): void {
    if (character === '\n') this.#lineFeed()
    else if (character === '\r') this.#column = 0
    else if (/\p{Cc}/u.test(character)) throw new Error(`unexpected control ${JSON.stringify(character)}`)
    else {
      if (this.#column >= this.columns) this.#lineFeed()
      this.#line()[this.#column++] = character
    }
  }

  /** As a terminal driver does: a line feed returns the carriage as well. */
  #lineFeed(): void {
    this.#column = 0
    this.#row++
    this.#line()
  }

  #control(csi: string): void {
    const count = Number(/^\d+/.exec(csi)?.[0] ?? 1)
    const top = Math.max(0, this.#rows.length - this.rows)
    if (csi.endsWith('A')) this.#row = Math.max(top, this.#row - count)
    else if (csi.endsWith('B')) this.#row = Math.min(this.#rows.length - 1, this.#row + count)
    else if (csi.endsWith('G')) this.#column = count - 1
    else if (csi === '0K' || csi === 'K') this.#line().splice(this.#column)
    else if (csi === '1K' || csi === '2K') this.#line().splice(0)
    else if (csi === '0J' || csi === 'J') {
      this.#line().splice(this.#column)
      this.#rows.splice(this.#row + 1)
    } else if (!csi.startsWith('?')) throw new Error(`unexpected sequence ${csi}`)
  }

  #line(): (string | undefined)[] {
    for (;;) {
      const line = this.#rows[this.#row]
      if (line) return line
      this.#rows.push([])
    }
  }
}
