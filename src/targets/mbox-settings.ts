import { z } from 'zod'
import { fileSettings } from '../files/settings.js'
import { dateSetting } from '../mail/settings.js'

export const mboxSettings = z.strictObject({
  path: z.string().min(1).describe('the file; created when missing, appended to when present'),
  variant: z
    .enum(['mboxrd', 'mboxo', 'mboxcl2'])
    .default('mboxrd')
    .describe('quoting of lines that start with "From ": mboxrd is reversible'),
  newline: z.enum(['lf', 'crlf']).default('lf').describe('Line ends of the stored messages'),
  ...fileSettings,
  date: dateSetting,
})

/** Where and how an mbox target stores. */
export type MboxSettings = z.output<typeof mboxSettings>
