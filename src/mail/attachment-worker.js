// Runs in a thread of its own, so that what a hostile message makes of the parser cannot hurt the program.
import { finished } from 'node:stream/promises'
import { parentPort } from 'node:worker_threads'
import { MailParser } from 'mailparser'

/** @import { AttachmentStream, MessageText } from 'mailparser' */

const options = {
  checksumAlgo: false,
  skipHtmlToText: true,
  skipImageLinks: true,
  skipTextLinks: true,
  skipTextToHtml: true,
  maxChildNodes: 250,
}

parentPort?.on('message', (/** @type {Uint8Array} */ structure) => {
  void attachments(structure).then((found) => parentPort?.postMessage(found))
})

/**
 * What the message carries, as its structure says: names, or types where there are none.
 * @param {Uint8Array} structure from `MimeStructure`
 */
async function attachments(structure) {
  /** @type {string[]} */
  const names = []
  const parser = new MailParser(/** @type {object} */ (options))
  parser.on('data', (/** @type {AttachmentStream | MessageText} */ part) => {
    if (part.type !== 'attachment') return
    // A picture within a page and without a name is no attachment to a reader.
    const name = part.filename || (part.related ? '' : part.contentType)
    if (name) names.push(name.slice(0, 1000))
    part.content.on('end', () => {
      part.release?.()
    })
    part.content.resume()
  })
  parser.end(structure)
  const complete = await finished(parser).then(
    () => true,
    () => false,
  )
  return { names, complete }
}
