import { closest, distance } from 'fastest-levenshtein'

/** "did you mean …" for a word that is almost one of the known ones; never repeats the word itself. */
export function nearestHint(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 40) return undefined
  const nearest = closest(word.toLowerCase(), known.slice())
  const tolerated = Math.max(2, Math.floor(nearest.length / 3))
  const near = distance(word.toLowerCase(), nearest.toLowerCase()) <= Math.min(tolerated, nearest.length - 1)
  return near ? `did you mean \`${nearest}\`?` : undefined
}

/** `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last
}
