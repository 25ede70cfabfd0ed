/** Columns that a text takes on a terminal: East Asian and emoji characters take two, combining ones none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** At most `columns` wide; what is cut off shows as `…`. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let width = 0
  let cut = ''
  for (const character of text) {
    width += characterWidth(character)
    if (width > columns - 1) break
    cut += character
  }
  return columns < 1 ? '' : `${cut}…`
}

/** Exactly `columns` wide. */
export function padToWidth(text: string, columns: number, side: 'left' | 'right' = 'right'): string {
  const cut = cutToWidth(text, columns)
  const blanks = ' '.repeat(Math.max(0, columns - displayWidth(cut)))
  return side === 'right' ? cut + blanks : blanks + cut
}

const wide =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const combining = /[\p{Mn}\p{Me}\p{Cf}]/u

function characterWidth(character: string): number {
  // The common case first: bars are drawn ten times a second.
  if (character < '\u0300') return 1
  if (combining.test(character)) return 0
  return wide.test(character) ? 2 : 1
}
