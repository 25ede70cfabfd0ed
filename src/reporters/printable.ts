/** The longest piece of foreign text that is shown. */
const maxLength = 300

/**
 * Text from outside, safe to print on a terminal or into a log: control, bidi and invisible characters escaped, cut at
 * 300 characters (QUIRKS CON-06, MSG-08).
 */
export function printable(text: string, limit = maxLength): string {
  // Cut twice: an escaped character is longer, and megabytes need not be escaped first.
  const cut = Array.from(text.slice(0, 2 * limit))
  const escaped = cut.slice(0, limit).join('').replace(unsafe, escape)
  const short = escaped.length > 2 * limit ? escaped.slice(0, 2 * limit) : escaped
  return cut.length > limit || short.length < escaped.length ? `${short}…` : short
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
