import { readdirSync, readFileSync } from 'node:fs'

/** A recorded dialogue of `fixtures/dialogues`: what the client said, and what the server answered to it. */
export interface RecordedDialogue {
  readonly name: string
  readonly turns: readonly Turn[]
}

export interface Turn {
  /** Without its line end; undefined for the greeting. */
  readonly command: string | undefined
  readonly reply: Buffer
}

const folder = new URL('../../fixtures/dialogues/', import.meta.url)

/** Those whose file names begin so. */
export function dialogues(protocol: 'pop3' | 'imap'): readonly RecordedDialogue[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${protocol}-`))
  return names.toSorted().map((name) => ({ name, turns: parse(readFileSync(new URL(name, folder), 'utf8')) }))
}

/** All that the server says. */
export function serverSide({ turns }: RecordedDialogue): Buffer {
  return Buffer.concat(turns.map(({ reply }) => reply))
}

function parse(text: string): readonly Turn[] {
  const turns: { command: string | undefined; reply: Buffer }[] = [{ command: undefined, reply: Buffer.alloc(0) }]
  for (const line of text.split('\n')) {
    const [, side, words = ''] = /^([SC])(?: (.*))?$/.exec(line) ?? []
    if (side === 'C') turns.push({ command: words, reply: Buffer.alloc(0) })
    const turn = turns.at(-1)
    if (side === 'S' && turn) turn.reply = Buffer.concat([turn.reply, octetsOf(words)])
  }
  return turns
}

function octetsOf(words: string): Buffer {
  const open = words.endsWith('\\c')
  const text = (open ? words.slice(0, -2) : `${words}\r\n`).replaceAll(/\\(x[0-9a-f]{2}|.)/g, (_, escape: string) => {
    if (escape.startsWith('x')) return String.fromCharCode(parseInt(escape.slice(1), 16))
    return { r: '\r', n: '\n', t: '\t' }[escape] ?? escape
  })
  return Buffer.from(text, 'latin1')
}
