/**
 * Splits a command as a POSIX shell would quote it (XCU §2.2), and does nothing else that a shell does: no variables,
 * no globs, no pipes. Undefined where a quote or backslash is left open.
 */
export function splitWords(command: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  const piece = /\s+|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)/y
  while (piece.lastIndex < command.length) {
    const match = piece.exec(command)
    if (!match) return undefined
    const [, single, double, escaped, plain] = match
    const text = single ?? double?.replace(/\\([$`"\\])/g, '$1') ?? escaped ?? plain
    if (text !== undefined) word = (word ?? '') + text
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}
