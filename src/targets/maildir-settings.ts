import { z } from 'zod'
import { fileSettings } from '../files/settings.js'
import { dateSetting } from '../mail/settings.js'

export const maildirSettings = z.strictObject({
  path: z.string().min(1).describe('folder of the Maildir; created when missing'),
  folder: z
    .string()
    .regex(/^(?:[^./]+(?:\/[^./]+)*)?$/, 'expected names separated by "/", without dots')
    .default('')
    .describe('Maildir++ subfolder such as Archive/2026; empty: the INBOX'),
  seen: z.boolean().default(false).describe('store as read, in cur/'),
  newline: z.enum(['lf', 'crlf']).default('lf').describe('Line ends of the stored messages'),
  ...fileSettings,
  date: dateSetting,
})

/** Where and how a Maildir target stores. */
export type MaildirSettings = z.output<typeof maildirSettings>
