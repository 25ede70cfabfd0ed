import { z } from 'zod'

/** Settings of every target that makes files. */
export const fileSettings = {
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
}
