import type { Fault, FaultCode } from '../ports/fault.js'
import type { WarningCode } from '../ports/warning.js'
import type { Capabilities } from './capability.js'
import type { Dialogue } from './dialogue.js'
import { type NameSpace, serverName, toModifiedUtf7 } from './mailbox-name.js'
import { passingFault } from './refusal.js'
import type { Response } from './response.js'
import { listOf, numberOf, textOf, type Value } from './value.js'

/** A selected mailbox (RFC 3501 §6.3.1). */
export interface Mailbox {
  /** As the server writes it, encoded. */
  readonly name: string
  readonly uidValidity: number
  /** The UID that the next message will get, or undefined where the server does not say. */
  readonly uidNext: number | undefined
  readonly messages: number
  /** In lower case; undefined where any flag may be stored. */
  readonly permanentFlags: ReadonlySet<string> | undefined
  /** The most octets of a message (RFC 7889). */
  readonly appendLimit: number | undefined
}

export interface Folder {
  /** As the plan has it, `/` between levels. */
  readonly folder: string
  readonly capabilities: Capabilities
  /** False: a folder that does not exist is not made. */
  readonly create: boolean
  readonly warn: (code: WarningCode, message: string) => void
}

/** Opens the folder, and makes and subscribes it where it does not exist (QUIRKS APP-05). */
export async function openMailbox(dialogue: Dialogue, options: Folder): Promise<Mailbox> {
  const { connection } = dialogue.wire
  const { folder, capabilities, warn } = options
  // Where INBOX is, no namespace says (RFC 3501 §5.1).
  const space = folder.toUpperCase() === 'INBOX' ? flat : await nameSpace(dialogue, capabilities)
  const plain = serverName(folder, space)
  if (plain === undefined) throw connection.fault('folder-refused', `the server has no folders in folders: ${folder}`)
  // Revision 2 alone has no encoded names (RFC 9051 §5.1).
  const modern = capabilities.has('IMAP4REV2') && !capabilities.has('IMAP4REV1')
  const name = modern ? plain : toModifiedUtf7(plain)
  const found = await select(dialogue, name)
  if ('mailbox' in found) return withLimit(dialogue, found.mailbox, capabilities)
  if (!options.create) throw refused(dialogue, found.refusal, 'target-gone', 'the folder is gone')
  await create(dialogue, name, found.refusal)
  const subscribed = await ask(dialogue, 'SUBSCRIBE', name)
  if (!subscribed.ok) warn('not-subscribed', `the server does not subscribe ${folder}: ${subscribed.text}`)
  const made = await select(dialogue, name)
  if ('mailbox' in made) return withLimit(dialogue, made.mailbox, capabilities)
  throw refused(dialogue, made.refusal, 'folder-refused', 'the server does not open the folder')
}

const flat: NameSpace = { prefix: '', delimiter: undefined }

/** The user's own namespace (RFC 2342), else what LIST says of the hierarchy (QUIRKS APP-15). */
async function nameSpace(dialogue: Dialogue, capabilities: Capabilities): Promise<NameSpace> {
  let space: NameSpace | undefined
  if (capabilities.has('NAMESPACE')) {
    dialogue.wire.connection.phase = 'NAMESPACE'
    await dialogue.run(['NAMESPACE'], {
      untagged: (response) => {
        if (response.name === 'NAMESPACE') space = personal(response.data?.[0])
      },
    })
  }
  if (space) return space
  dialogue.wire.connection.phase = 'LIST'
  let delimiter: string | undefined
  await dialogue.run(['LIST "" ""'], {
    untagged: (response) => {
      if (response.name === 'LIST') delimiter = textOf(response.data?.[1]) || undefined
    },
  })
  return { prefix: '', delimiter }
}

function personal(value: Value | undefined): NameSpace | undefined {
  const [first] = listOf(value)
  const [prefix, delimiter] = listOf(first)
  const text = textOf(prefix)
  return text === undefined ? undefined : { prefix: text, delimiter: textOf(delimiter) || undefined }
}

async function select(
  dialogue: Dialogue,
  name: string,
): Promise<{ readonly mailbox: Mailbox } | { readonly refusal: Response }> {
  const said: Partial<Mutable<Mailbox>> = {}
  dialogue.wire.connection.phase = 'SELECT'
  const answer = await dialogue.run(['SELECT ', { text: name }], {
    untagged: ({ name: kind, number, code }) => {
      if (kind === 'EXISTS') said.messages = number ?? 0
      if (code?.name === 'UIDVALIDITY') said.uidValidity = numberOf(code.values[0]) ?? 0
      if (code?.name === 'UIDNEXT') said.uidNext = numberOf(code.values[0])
      if (code?.name === 'PERMANENTFLAGS') said.permanentFlags = flagsIn(code.values[0])
    },
  })
  if (!answer.ok) return { refusal: answer }
  const { connection } = dialogue.wire
  const facts = { reply: answer.text }
  if (answer.code?.name === 'READ-ONLY') throw connection.fault('folder-refused', 'the folder is read-only', facts)
  const { uidValidity, uidNext, messages = 0, permanentFlags } = said
  if (uidValidity === undefined) throw connection.fault('protocol', 'the server does not say the UIDVALIDITY', facts)
  return { mailbox: { name, uidValidity, uidNext, messages, permanentFlags, appendLimit: undefined } }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** `\*`: any flag may be made up. */
function flagsIn(value: Value | undefined): ReadonlySet<string> | undefined {
  const flags = new Set(listOf(value).map((flag) => textOf(flag)?.toLowerCase() ?? ''))
  return flags.has('\\*') ? undefined : flags
}

async function create(dialogue: Dialogue, name: string, unopened: Response): Promise<void> {
  const { connection } = dialogue.wire
  const passing = passingFault(unopened, connection)
  if (passing) throw passing
  const created = await ask(dialogue, 'CREATE', name)
  if (created.ok || created.code?.name === 'ALREADYEXISTS') return
  throw refused(dialogue, created, 'folder-refused', 'the server does not create the folder')
}

function refused(dialogue: Dialogue, response: Response, code: FaultCode, words: string): Fault {
  const { connection } = dialogue.wire
  const over = response.code?.name === 'OVERQUOTA'
  if (over) return connection.fault('over-quota', 'the mailbox is full', { reply: response.text })
  return passingFault(response, connection) ?? connection.fault(code, words, { reply: response.text })
}

async function ask(dialogue: Dialogue, command: string, name: string): Promise<Response> {
  dialogue.wire.connection.phase = command
  return dialogue.run([`${command} `, { text: name }])
}

async function withLimit(dialogue: Dialogue, mailbox: Mailbox, capabilities: Capabilities): Promise<Mailbox> {
  const { largestLiteral } = capabilities
  const said = capabilities.appendLimit ?? (await ownLimit(dialogue, mailbox, capabilities)) ?? Infinity
  const limit = Math.min(said, largestLiteral)
  return { ...mailbox, appendLimit: limit === Infinity ? undefined : limit }
}

async function ownLimit(
  dialogue: Dialogue,
  { name }: Mailbox,
  capabilities: Capabilities,
): Promise<number | undefined> {
  if (!capabilities.has('APPENDLIMIT')) return undefined
  return (await mailboxStatus(dialogue, name, ['APPENDLIMIT']))?.get('APPENDLIMIT')
}

/** Numbers about a mailbox (RFC 3501 §6.3.10); undefined where the server does not know it. */
export async function mailboxStatus(
  dialogue: Dialogue,
  name: string,
  items: readonly string[],
): Promise<ReadonlyMap<string, number | undefined> | undefined> {
  const found = new Map<string, number | undefined>()
  dialogue.wire.connection.phase = 'STATUS'
  const answer = await dialogue.run(['STATUS ', { text: name }, ` (${items.join(' ')})`], {
    untagged: (response) => {
      const list = response.name === 'STATUS' ? listOf(response.data?.at(-1)) : []
      for (let at = 0; at < list.length; at += 2) {
        const item = textOf(list[at])?.toUpperCase() ?? ''
        if (items.includes(item)) found.set(item, numberOf(list[at + 1]))
      }
    },
  })
  return answer.ok ? found : undefined
}
