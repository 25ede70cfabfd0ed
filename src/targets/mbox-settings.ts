import { z } from 'zod'

export const mboxSettings = z.strictObject({
  path: z.string().min(1).describe('the file; created when missing, appended to when present'),
  variant: z
    .enum(['mboxrd', 'mboxo', 'mboxcl2'])
    .default('mboxrd')
    .describe('quoting of lines that start with "From ": mboxrd is reversible'),
  newline: z.enum(['lf', 'crlf']).default('lf'),
  owner: z
    .string()
    .regex(/^[^:\s]+:[^:\s]+$/, 'expected "user:group"')
    .optional()
    .describe('"user:group" of a new file, when run as root'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected three octal digits in quotes, such as "0600"')
    .default('0600')
    .describe('permissions of a new file'),
  date: z.enum(['received', 'date', 'now']).default('received'),
})

/** Where and how an mbox target stores. */
export type MboxSettings = z.output<typeof mboxSettings>
