import { expect, it } from 'vitest'
import { FolderWatch } from '../../src/targets/imap-folder-watch.js'
import { openMailbox } from '../../src/imap/mailbox.js'
import { open } from '../imap/opened.js'
import { FakeImapServer } from '../support/fake-imap-server.js'

const here = 4711
const elsewhere = 4712

it.each<[string, readonly (readonly (number | undefined)[])[], number]>([
  ['once, at the end, where the server tells with each message where it stands', [[here, here], [here]], 1],
  ['for each batch of which it does not tell', [[undefined], [here, undefined]], 2],
  ['where it names another folder', [[elsewhere]], 1],
  ['where nothing was stored, as all stood there', [[], []], 2],
])('a folder is asked for %s', async (_, batches, asked) => {
  await using server = await FakeImapServer.start({ uidValidity: here })
  const { dialogue, capabilities } = await open(server)
  const options = { folder: 'INBOX', capabilities, create: true, warn: () => undefined }
  const watch = new FolderWatch(dialogue, await openMailbox(dialogue, options), 'INBOX')
  for (const batch of batches) {
    for (const uidValidity of batch) watch.stored(uidValidity)
    await watch.committing()
  }
  await watch.ending()
  expect(server.seen('STATUS')).toBe(asked)
})
