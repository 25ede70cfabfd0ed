import { afterAll } from 'vitest'
import { describeAdoption } from '../contract/adoption.js'
import { oddMail } from '../support/mail.js'
import { emlZipHarness } from './eml-zip-place.js'
import { imapHarness } from './imap-place.js'
import { maildirHarness } from './maildir-place.js'
import { mboxHarness } from './mbox-place.js'

describeAdoption('a Maildir', maildirHarness())
describeAdoption('a Maildir with CRLF', maildirHarness({ newline: 'crlf', seen: true, folder: 'Archive' }))
for (const variant of ['mboxrd', 'mboxo', 'mboxcl2'] as const) {
  for (const newline of ['lf', 'crlf'] as const) {
    describeAdoption(`${variant} with ${newline}`, mboxHarness({ variant, newline }))
  }
}
describeAdoption('an archive', emlZipHarness())
describeAdoption('an archive with a message in each volume', emlZipHarness({ volumeSize: 1 }))

const habits = {
  'an IMAP folder': {},
  'an IMAP folder whose server tells no UIDs': { capabilities: ['IMAP4rev1'] },
  'an IMAP folder whose server accepts strict mail only': { strict: true },
  'an IMAP folder whose server adds header lines': { adds: 'X-Added: yes\r\n' },
}
const harnesses = Object.entries(habits).map(([name, habit]) => [name, imapHarness(habit)] as const)
for (const [name, harness] of harnesses) {
  // Where there is no header, nobody can tell it from the one that a server has added.
  const mail = name.endsWith('header lines')
    ? oddMail.filter(([, bytes]) => /^[!-9;-~]+:/.test(String(bytes)))
    : oddMail
  describeAdoption(name, harness, mail)
}
afterAll(async () => {
  for (const [, harness] of harnesses) await harness[Symbol.asyncDispose]()
})
