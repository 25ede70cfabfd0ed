import type { MessageKey } from '../ports/message.js'

/** A listed message without id, that only its bytes can tell from others. */
export function isAnonymous(key: MessageKey): boolean {
  return key.startsWith('\n#')
}

/** The key of a message that was fetched without id. */
export function isContentKey(key: MessageKey): boolean {
  return key.startsWith('\nsha256:')
}

/** The key of a message without id. */
export function contentKey(sha256: string, occurrence: number): MessageKey {
  return `\nsha256:${sha256}${occurrence === 1 ? '' : `\n${occurrence}`}` as MessageKey
}

/** The key of a message that the server lists under an id which stood for another one. */
export function reusedKey(listed: MessageKey, sha256: string, taken: (key: MessageKey) => boolean): MessageKey {
  const base = `${listed.includes('\n') ? listed : `${listed}\n1`}\n${sha256.slice(0, 32)}`
  let key = base as MessageKey
  for (let copy = 2; taken(key); copy++) key = `${base}\n${copy}` as MessageKey
  return key
}
