import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Runs a program for each connection; what it prints first ends in the number of its port. */
export const inetd = ['python3', fileURLToPath(new URL('inetd.py', import.meta.url))] as const

export interface ServerCommand {
  readonly command: readonly string[]
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A server in the foreground, which dies with the tests however they end; disposing kills it. */
export class ServerProcess implements AsyncDisposable {
  /** What it has printed so far. */
  readonly log: string[] = []
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  readonly #watchers: (() => void)[] = []
  #ended = false

  constructor({ command, cwd, environment = {} }: ServerCommand) {
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd,
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (!stream) continue
      createInterface(stream).on('line', (line) => {
        this.log.push(line)
        this.#wake()
      })
    }
    this.#child.on('error', (error) => this.log.push(error.message))
    this.#closed = once(this.#child, 'close').then(
      () => {
        this.#end()
      },
      () => {
        this.#end()
      },
    )
  }

  get ended(): boolean {
    return this.#ended
  }

  /** The first line that matches, as soon as it is there; throws where the server ends without it. */
  async logged(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.log.find((text) => pattern.test(text))
      if (line !== undefined) return line
      if (this.#ended) throw new Error(`the server ended: ${this.log.join('; ')}`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  /** The port of one that was started by `inetd`. */
  async port(): Promise<number> {
    const line = await this.logged(/^listening on port \d+$/)
    return Number(line.split(' ').at(-1))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#watchers.splice(0)) wake()
  }
}

/** Resolves as soon as a server takes connections; throws where it ends instead. */
export async function answering(port: number, server: ServerProcess): Promise<void> {
  while (!server.ended) {
    const socket = connect(port, '127.0.0.1')
    const answer = await once(socket, 'data').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (answer) return
    await setTimeout(50)
  }
  throw new Error(`the server ended: ${server.log.join('; ')}`)
}
