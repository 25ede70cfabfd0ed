import type { Secret } from '../ports/secret.js'
import { saslprep } from './saslprep.js'

/**
 * Takes secrets out of what a server says: it may echo them, whole or cut, in whatever encoding it got them or logs
 * them (QUIRKS SEC-02).
 */
export class Scrubber {
  readonly #patterns: RegExp[] = []
  /** Every run of so many characters of the longer forms: echoes are often cut. */
  readonly #runs = new Set<string>()
  readonly #known = new Set<string>()

  constructor(...secrets: readonly Secret[]) {
    for (const secret of secrets) for (const form of formsOf(secret.reveal())) this.add(form)
  }

  /** Also takes out this text, such as a response that was made of a secret. */
  add(form: string): void {
    if (form === '' || this.#known.has(form)) return
    this.#known.add(form)
    this.#patterns.push(new RegExp(form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi'))
    if (form.length < 2 * runLength) return
    for (let at = 0; at + runLength <= form.length; at++) this.#runs.add(form.slice(at, at + runLength))
  }

  scrub(text: string): string {
    const whole = this.#patterns.reduce((left, pattern) => left.replaceAll(pattern, mask), text)
    return this.#runs.size === 0 ? whole : this.#withoutRuns(whole)
  }

  #withoutRuns(text: string): string {
    let shown = ''
    let from = 0
    for (let at = 0; at + runLength <= text.length; at++) {
      if (!this.#runs.has(text.slice(at, at + runLength))) continue
      let end = at + runLength
      while (end < text.length && this.#runs.has(text.slice(end - runLength + 1, end + 1))) end++
      shown += text.slice(from, at) + mask
      from = end
      at = end - 1
    }
    return shown + text.slice(from)
  }
}

function formsOf(secret: string): readonly string[] {
  const texts = [...new Set([secret, saslprep(secret)])]
  return texts.flatMap((text) => {
    const bytes = Buffer.from(text)
    const hex = bytes.toString('hex')
    const inUrl = encodeURIComponent(bytes.toString())
    const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    return [
      text,
      // How the echo of another character set is decoded.
      bytes.toString('latin1'),
      // Quoted, as JSON, C, or an IMAP string.
      JSON.stringify(text).slice(1, -1),
      html,
      html.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
      inUrl,
      inUrl.replaceAll('%20', '+'),
      hex.replaceAll(/../g, '%$&'),
      hex,
      hex.replaceAll(/\B(?=(?:..)+$)/g, ':'),
      ...base64Forms(bytes),
    ]
  })
}

/** Alone, and within a longer message such as PLAIN's: there, its bits may begin at three places in a group of four. */
function base64Forms(bytes: Buffer): readonly string[] {
  const within = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends also hold bits of what stands around.
    const first = Math.ceil((offset * 4) / 3)
    const last = Math.floor(((offset + bytes.length) * 4) / 3)
    return shifted.slice(first, last)
  })
  const all = [bytes.toString('base64'), bytes.toString('base64').replace(/=+$/, ''), ...within]
  const telling = all.filter((form, index) => index < 2 || form.length >= shortest)
  return [...telling, ...telling.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))]
}

const mask = '***'
const runLength = 12
/** A few characters would be found everywhere. */
const shortest = 4
