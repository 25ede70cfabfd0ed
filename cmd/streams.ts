import type { Output } from '../src/reporters/style.js'

/** Where a command writes. */
export interface Streams {
  readonly stdout: Output
  readonly stderr: Output
}

/** The process's streams. A reader that went away (`| head`) costs its output, never the copy (QUIRKS PRC-07). */
export function processStreams(): Streams {
  return { stdout: lasting(process.stdout), stderr: lasting(process.stderr) }
}

function lasting(stream: NodeJS.WriteStream): Output {
  let gone = false
  stream.on('error', () => {
    gone = true
  })
  return {
    write(text) {
      if (!gone) stream.write(text)
    },
  }
}

export interface ColourFacts {
  /** `--no-color` was not given. */
  readonly wanted: boolean
  readonly isTerminal: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The option beats FORCE_COLOR, which beats NO_COLOR, which beats what the stream is. */
export function usesColour({ wanted, isTerminal, env }: ColourFacts): boolean {
  if (!wanted) return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (env['NO_COLOR']) return false
  return isTerminal && env['TERM'] !== 'dumb'
}
