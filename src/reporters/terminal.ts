import { MultiBar, type SingleBar } from 'cli-progress'
import type { Clock } from '../ports/clock.js'
import type { Event, Reporter } from '../ports/event.js'
import { frame } from './frame.js'
import { Progress } from './progress.js'
import type { Output } from './style.js'

/** What the bars need to know of a terminal. */
export type TerminalStream = NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number }

/** Progress bars on a terminal. As an Output it prints lines above them. Only for streams that are one. */
export class TerminalBars implements Reporter, Output {
  readonly #stream: TerminalStream
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #progress = new Progress()
  readonly #bars: MultiBar
  readonly #slots: SingleBar[] = []
  #drawing = false

  constructor(stream: TerminalStream, clock: Pick<Clock, 'monotonic'>) {
    this.#stream = stream
    this.#clock = clock
    this.#bars = new MultiBar({
      stream,
      // A slot shows the line that it was given, whatever its value.
      format: (_, __, slot: Slot) => slot.line,
      clearOnComplete: true,
      // Lines printed above move the bars, so an unchanged one is drawn again as well.
      forceRedraw: true,
      // Leaves the terminal's wrapping on: log lines may need it, bars are cut.
      linewrap: true,
      gracefulExit: false,
      fps: 10,
    })
    this.#bars.on('update-pre', () => {
      this.#draw()
    })
  }

  on(event: Event): void {
    this.#progress.on(event, this.#clock.monotonic())
    if (event.type === 'run.started') this.#draw()
    if (event.type === 'run.finished') this.#stop()
  }

  write(text: string): void {
    if (!this.#bars.isActive) this.#stream.write(text)
    // What was drawn on that row before is longer, maybe.
    else this.#bars.log(text.replaceAll('\n', '\u001b[K\n'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop()
  }

  #draw(): void {
    // Adding and removing slots makes cli-progress draw, which leads back here.
    if (this.#drawing) return
    this.#drawing = true
    const { columns = 80, rows = 24 } = this.#stream
    const lines = frame(this.#progress, { columns, rows }, this.#clock.monotonic())
    while (this.#slots.length < lines.length) this.#slots.push(this.#bars.create(1, 0, { line: '' } satisfies Slot))
    // More slots than rows would scroll the screen at each frame (the terminal became smaller).
    while (this.#slots.length > Math.max(1, rows - 2)) this.#removeSlot()
    for (const [index, slot] of this.#slots.entries()) slot.update({ line: lines[index] ?? '' } satisfies Slot)
    this.#drawing = false
  }

  #removeSlot(): void {
    const slot = this.#slots.pop()
    if (slot) this.#bars.remove(slot)
  }

  #stop(): void {
    if (!this.#bars.isActive) return
    // `stop` forgets lines that were not printed yet.
    this.#bars.update()
    this.#bars.stop()
  }
}

interface Slot {
  readonly line: string
}
