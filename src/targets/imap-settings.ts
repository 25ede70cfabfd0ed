import { z } from 'zod'
import { dateSetting } from '../mail/settings.js'
import { plaintextProblem, serverSettings } from '../net/server-settings.js'
import { presetNames, unknownPreset } from '../providers/names.js'
import { authProblem } from '../sasl/secret-key.js'

const imapMechanisms = ['plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256', 'xoauth2', 'oauthbearer'] as const

/** Where in a mailbox and how an IMAP target stores. */
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
    .default([])
    .describe('Of the stored messages'),
  date: dateSetting,
  connections: z.int().min(1).max(32).default(1).describe('At once for this account; more than one keeps no order'),
})

export type ImapSettings = z.output<typeof imapSettings>

/** All of the plan's settings. */
export const imapTargetSettings = z
  .strictObject({
    provider: z
      .enum(presetNames('imap'), { error: ({ input }) => unknownPreset(input, 'imap') })
      .optional()
      .describe('A preset; keys given in the plan win'),
    ...serverSettings,
    auth: z
      .enum(['auto', ...imapMechanisms])
      .default('auto')
      .describe('auto: the strongest mechanism that the server offers'),
    ...imapSettings.shape,
  })
  .check(({ value, issues }) => {
    const exposed = plaintextProblem(value)
    if (exposed !== undefined) issues.push({ code: 'custom', path: ['tls'], input: value.tls, message: exposed })
    const message = authProblem(value)
    if (message !== undefined) issues.push({ code: 'custom', path: ['auth'], input: value.auth, message })
  })

export type ImapTargetSettings = z.output<typeof imapTargetSettings>
