export type Tone = 'good' | 'warning' | 'bad' | 'plain'

/** Colours a finished line, or leaves it as it is. */
export type Paint = (tone: Tone, line: string) => string

const codes: Readonly<Record<Exclude<Tone, 'plain'>, number>> = { good: 32, warning: 33, bad: 31 }

/** ANSI colours where they are wanted. */
export function painter(colour: boolean): Paint {
  return (tone, line) => (colour && tone !== 'plain' ? `\u001b[${codes[tone]}m${line}\u001b[39m` : line)
}

/** Where a reporter writes; owned by the caller. */
export interface Output {
  write(text: string): void
}
