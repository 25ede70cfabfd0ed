import type { MessageKey } from '../ports/message.js'
import type { Value } from './driver.js'

/** Keys are stored as the bytes that they are. */
export function keyBytes(key: MessageKey): Uint8Array {
  return Buffer.from(key, 'latin1')
}

export function keyText(value: Value | undefined): MessageKey {
  return Buffer.from(value as Uint8Array).toString('latin1') as MessageKey
}

export function hex(value: Value | undefined): string {
  return Buffer.from(value as Uint8Array).toString('hex')
}

/** The bytes of hexadecimal digits, or null where there are none. */
export function bytesOf(digits: string | undefined): Uint8Array | null {
  return digits === undefined ? null : Buffer.from(digits, 'hex')
}
