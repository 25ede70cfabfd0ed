import { z } from 'zod'
import { fileSettings } from '../files/settings.js'

export const mboxSettings = z.strictObject({
  path: z.string().min(1).describe('the file; created when missing, appended to when present'),
  variant: z
    .enum(['mboxrd', 'mboxo', 'mboxcl2'])
    .default('mboxrd')
    .describe('quoting of lines that start with "From ": mboxrd is reversible'),
  newline: z.enum(['lf', 'crlf']).default('lf').describe('Line ends of the stored messages'),
  ...fileSettings,
  date: z
    .enum(['received', 'date', 'now'])
    .default('received')
    .describe('Which date a copy gets: that of the top-most Received or Date header, that of the Date header, or now'),
})

/** Where and how an mbox target stores. */
export type MboxSettings = z.output<typeof mboxSettings>
