import { z } from 'zod'
import type { Kinds, SourceKind, TargetKind } from '../../src/ports/kind.js'
import { defineKind } from '../../src/ports/kind.js'

/** Kinds of about the shape of the real ones. What they make is of no interest to a plan. */
const unmade = (): never => {
  throw new Error('a plan makes nothing')
}

const pop3: SourceKind = defineKind({
  type: 'pop3',
  settings: z
    .strictObject({
      provider: z.enum(['gmail', 'outlook']).optional(),
      host: z.string().min(1),
      port: z.int().min(1).max(65535).optional(),
      tls: z.enum(['implicit', 'starttls', 'none']).default('implicit'),
      tlsOptions: z.strictObject({ ca: z.string().min(1).optional(), verify: z.boolean().default(true) }).prefault({}),
      allowPlaintext: z.boolean().default(false),
      user: z.string().min(1),
      authzid: z.string().optional(),
    })
    .superRefine(({ tls, allowPlaintext }, context) => {
      if (tls === 'none' && !allowPlaintext) {
        context.addIssue({ code: 'custom', path: ['tls'], message: '`tls: none` also needs `allowPlaintext: true`' })
      }
    }),
  fields: [
    { key: 'host', form: 'template' },
    { key: 'user', form: 'template' },
    { key: 'authzid', form: 'template' },
    { key: 'tlsOptions.ca', form: 'file' },
    { key: 'password', form: 'secret' },
    { key: 'oauth2.accessToken', form: 'secret' },
  ],
  presets: {
    key: 'provider',
    settings: new Map([
      ['gmail', { host: 'pop.gmail.com', tls: 'implicit' }],
      ['outlook', { host: 'outlook.office365.com', port: 1995, tls: 'implicit' }],
    ]),
  },
  create: unmade,
})

const spare: SourceKind = defineKind({
  type: 'spare',
  settings: z.strictObject({ host: z.string(), user: z.string() }),
  fields: [],
  create: unmade,
})

const maildir: TargetKind = defineKind({
  type: 'maildir',
  settings: z.strictObject({
    path: z.string().regex(/^[/A-Z]/),
    folder: z.string().default(''),
    newline: z.enum(['lf', 'crlf']).default('lf'),
  }),
  fields: [
    { key: 'path', form: 'template-path' },
    { key: 'folder', form: 'template' },
  ],
  create: unmade,
})

const mbox: TargetKind = defineKind({
  type: 'mbox',
  settings: z.strictObject({ path: z.string() }),
  fields: [{ key: 'path', form: 'template-path' }],
  create: unmade,
})

const emlZip: TargetKind = defineKind({
  type: 'eml-zip',
  settings: z.strictObject({ path: z.string() }),
  fields: [{ key: 'path', form: 'template-path' }],
  create: unmade,
})

const imap: TargetKind = defineKind({
  type: 'imap',
  settings: z.strictObject({
    provider: z.enum(['gmail']).optional(),
    host: z.string().min(1),
    tls: z.enum(['implicit', 'none']).default('implicit'),
    user: z.string(),
    folder: z.string().default('INBOX'),
  }),
  fields: [
    { key: 'host', form: 'template' },
    { key: 'user', form: 'template' },
    { key: 'folder', form: 'template' },
    { key: 'password', form: 'secret' },
    { key: 'oauth2.accessToken', form: 'secret' },
  ],
  presets: { key: 'provider', settings: new Map([['gmail', { host: 'imap.gmail.com', tls: 'implicit' }]]) },
  create: unmade,
})

export const kinds: Kinds = { sources: [pop3, spare], targets: [maildir, mbox, emlZip, imap] }
