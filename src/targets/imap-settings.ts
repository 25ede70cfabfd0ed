import { z } from 'zod'

export const imapSettings = z.strictObject({
  folder: z
    .string()
    .min(1)
    .regex(/^[^\0\r\n]*$/, 'expected text without line ends')
    .default('INBOX')
    .describe('"/" separates levels whatever the server uses; created and subscribed when missing'),
  flags: z
    .array(
      z
        .string()
        .regex(/^(?:\\(?:Seen|Answered|Flagged|Draft|Deleted)|[A-Za-z0-9$_-]+)$/, 'expected a flag such as "\\Seen"'),
    )
    .default([]),
  date: z.enum(['received', 'date', 'now']).default('received'),
})

/** Where and how an IMAP target stores. */
export type ImapSettings = z.output<typeof imapSettings>
