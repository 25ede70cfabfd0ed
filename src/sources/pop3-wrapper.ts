import { headerField } from '../mail/header.js'

/**
 * The note that Courier sends in the place of a message with 8-bit headers, the message as its attachment, unless UTF8
 * was agreed on. Its boundary differs at every fetch (QUIRKS CAP-08).
 */
export function isWrapper(header: Uint8Array): boolean {
  return (
    headerField(header, 'subject') === 'Cannot display Unicode content' &&
    headerField(header, 'from') === 'Mail Delivery Subsystem <postmaster>' &&
    headerField(header, 'content-type')?.startsWith('multipart/mixed;') === true &&
    headerField(header, 'received') === undefined
  )
}
