/** The longest piece of foreign text that is shown. */
const maxLength = 300

/**
 * Text from outside, safe to print on a terminal or into a log: control, bidi and invisible characters escaped, cut at
 * 300 characters, or earlier where many are escaped (QUIRKS CON-06, MSG-08).
 */
export function printable(text: string, limit = maxLength): string {
  // Megabytes need not be taken apart to be cut; one character more tells that something is cut off.
  const characters = Array.from(text.slice(0, 2 * (limit + 1)))
  let shown = ''
  for (const [index, character] of characters.entries()) {
    const safe = character.replace(unsafe, escape)
    if (index === limit || shown.length + safe.length > 2 * limit) return `${shown}…`
    shown += safe
  }
  return shown
}

/** The same as a JSON text of one line, for values that must come back unchanged: nothing is cut. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** C0, C1, DEL; bidi and zero-width characters; lone surrogates; line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
