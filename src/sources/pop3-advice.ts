import { Fault, type FaultCode } from '../ports/fault.js'
import { nearestHost } from '../providers/find.js'
import type { Provider } from '../providers/provider.js'
import { userAdvice } from '../providers/user-advice.js'

/** Whose maildrop it is. */
export interface Whose {
  readonly host: string
  readonly user: string
  readonly provider: Provider | undefined
}

/** What was thrown, with advice that fits the provider and the server's words where there is some. */
export function advised(error: unknown, whose: Whose): unknown {
  if (!(error instanceof Fault)) return error
  const hint = error.code === 'unknown-host' ? spelling(whose.host) : refusalAdvice(error, whose)
  return hint === undefined ? error : new Fault(error.code, error.message, { ...error.facts, hint })
}

function spelling(host: string): string | undefined {
  const nearest = nearestHost(host)
  return nearest === undefined ? undefined : `did you mean \`host: ${nearest}\`?`
}

/** What the server says comes before what is to be said of the mechanism, and that before what is known of the provider. */
function refusalAdvice({ code, facts: { reply = '', hint } }: Fault, whose: Whose): string | undefined {
  if (!refusals.has(code)) return undefined
  const words = reply.toLowerCase()
  const known = symptoms.find(({ says, at = refusals }) => at.has(code) && says.test(words))
  if (known) return known.advice(whose.provider)
  return hint === undefined && forGood.has(code) ? inGeneral(whose) : undefined
}

/** Where the server's words say no more than no: all that is known of the provider. */
function inGeneral({ provider, user }: Whose): string | undefined {
  return provider && clauses(userAdvice(provider, user), provider.accepts, provider.switchOn)
}

function clauses(...parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined)
  return said.length > 0 ? said.join('; ') : undefined
}

interface Symptom {
  /** In the server's reply, in lower case. */
  readonly says: RegExp
  /** Only with these codes; default: every refusal. */
  readonly at?: ReadonlySet<FaultCode>
  readonly advice: (provider: Provider | undefined) => string
}

const forGood: ReadonlySet<FaultCode> = new Set(['auth-failed', 'auth-unavailable'])
const refusals: ReadonlySet<FaultCode> = new Set([...forGood, 'throttled', 'server-busy'])

/** From what servers say to what the admin should do; the first that fits (QUIRKS AUT-01, PRV-03, PRV-05 to PRV-09). */
const symptoms: readonly Symptom[] = [
  {
    // One sentence for everything (QQ).
    says: /password.*(?:frequen|busy)/,
    advice: (provider) =>
      provider
        ? `the server does not say which: ${clauses(provider.accepts, provider.switchOn, provider.note) ?? 'check the password'}; then wait some minutes`
        : 'the server does not say which: check the password (some want an app password or authorization code) and ' +
          'whether POP is switched on in the webmail, then wait some minutes',
  },
  {
    says: /application[- ]specific|\bapp(?:lication)?[- ]passwords?\b|authori[sz](?:ation|ed) code|授权码/,
    advice: (provider) =>
      provider?.accepts ??
      'make an app password (or authorization code) in the webmail’s security settings and use that',
  },
  {
    says: /basic ?auth|modern auth|oauth/,
    advice: (provider) => provider?.accepts ?? 'passwords are not accepted here: use `oauth2` instead of `password`',
  },
  {
    says: /web ?login|(?:web ?browser|webmail).*(?:log|sign) ?in|(?:log|sign) ?in .*(?:web ?browser|webmail)/,
    advice: () => 'sign in to the webmail once with a browser, answer what it asks, and run again',
  },
  {
    says: /not enabled for pop|not .*(?:use|access) (?:the )?pop|pop3?\b.*(?:\bnot (?:been )?(?:enabled|allowed|activated|permitted|available|open)|disabled|switched off|turned off)|enable pop|disabled .*pop3?\b|没有权限|未开启/,
    advice: (provider) =>
      provider?.switchOn ??
      'POP is switched off for this mailbox: switch it on in the webmail’s settings, or ask the mail server’s admin',
  },
  {
    says: /password.*(?:expired|must be changed)|expired.*password/,
    advice: () =>
      'the password has expired: set a new one at the mail server, then put it where the plan takes it from',
  },
  {
    says: /(?:account|user|mailbox)\b.{0,40}\b(?:disabled|suspended|locked|blocked|deactivated|closed|inactive)|(?:disabled|suspended|locked|blocked|inactive) (?:account|user)/,
    at: forGood,
    advice: () =>
      'the account itself is locked or disabled, no password will help: unlock it in the webmail, or ask the mail server’s admin',
  },
  {
    says: /quota|mailbox (?:is )?full|no space|storage.*(?:exceed|full)/,
    advice: () => 'the mailbox is over its quota: make room in it with a mail program, or have the quota raised',
  },
  {
    // Cyrus; what others say of it, the sign-in itself understands.
    says: /under a layer/,
    at: forGood,
    advice: () => 'the server wants TLS before it takes a password: use `tls: implicit` or `tls: starttls`',
  },
]
