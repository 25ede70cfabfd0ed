/** Text as HTML shows it, in an element or between the quotes of an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => references[character] ?? '')
}

/**
 * Text from outside, cut and without what could disturb its surroundings: control characters, those that turn the
 * direction of the text behind them, and halves of characters are U+FFFD (QUIRKS MSG-08).
 */
export function readable(text: string, limit: number): string {
  // Most texts need no taking apart.
  if (text.length <= limit) return text.replaceAll(disturbing, '\ufffd')
  const characters = Array.from(text.slice(0, 2 * (limit + 1)))
  const shown = characters.length > limit ? [...characters.slice(0, limit), '…'] : characters
  return shown.join('').replaceAll(disturbing, '\ufffd')
}

/** C0, C1, DEL; embeddings, overrides and isolates; line and paragraph separators; lone surrogates. */
const disturbing = /[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Zl}\p{Zp}\p{Cs}]/gu

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
