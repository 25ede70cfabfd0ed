import { z } from 'zod'

export const maildirSettings = z.strictObject({
  path: z.string().min(1).describe('folder of the Maildir; created when missing'),
  folder: z
    .string()
    .regex(/^(?:[^./]+(?:\/[^./]+)*)?$/, 'expected names separated by "/", without dots')
    .default('')
    .describe('Maildir++ subfolder such as Archive/2026; empty: the INBOX'),
  seen: z.boolean().default(false).describe('store as read, in cur/'),
  newline: z.enum(['lf', 'crlf']).default('lf'),
  owner: z
    .string()
    .regex(/^[^:\s]+:[^:\s]+$/, 'expected "user:group"')
    .optional()
    .describe('"user:group" of new files, when run as root'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected three octal digits in quotes, such as "0600"')
    .default('0600')
    .describe('permissions of new files'),
  date: z.enum(['received', 'date', 'now']).default('received'),
})

/** Where and how a Maildir target stores. */
export type MaildirSettings = z.output<typeof maildirSettings>
