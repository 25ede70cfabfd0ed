import { readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { errorCode, makeDirectory } from '../src/files/durable.js'
import { sampleMailbox } from '../src/sample/mailbox.js'
import { Maildrop } from '../src/sample/maildrop.js'
import { type SampleServer, startSampleServer } from '../src/sample/server.js'
import { exitCodes } from './exit-code.js'
import type { CommonOptions } from './options.js'
import { Refusal } from './refusal.js'
import { run } from './run.js'
import type { Streams } from './streams.js'

const name = 'popferry-demo'
const user = 'sam'
const password = 'ahoy'

/** `popferry demo`: a sample server in this process, copied twice by the same code as everything else. */
export async function demo(options: CommonOptions, streams: Streams): Promise<number> {
  const folder = resolve(name)
  await requireEmpty(folder)
  const server = await startSampleServer({ users: new Map([[user, { password, maildrop: sampleMaildrop() }]]) })
  try {
    await makeDirectory(folder, 0o700)
    const plan = join(folder, 'migrate.yaml')
    await writeFile(plan, planText(server), { mode: 0o600 })
    return await copyTwice(plan, server, options, streams)
  } finally {
    await server.close()
  }
}

async function requireEmpty(folder: string): Promise<void> {
  let names: readonly string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    if (errorCode(error) !== 'ENOTDIR') throw error
    throw new Refusal([`${folder} is in the way: move it, or run the demo in another folder`])
  }
  if (names.length > 0) throw new Refusal([`${folder} is not empty: remove it, or run the demo in another folder`])
}

function sampleMaildrop(): Maildrop {
  return new Maildrop(sampleMailbox())
}

function planText({ host, port }: SampleServer): string {
  return `# What \`popferry demo\` copied. Its server is gone by now; your own plan names yours.
version: 1
accounts:
  - name: ${user}
    source: { host: ${host}, port: ${port}, tls: none, user: ${user}, password: '${password}' }
    targets:
      - { type: maildir, path: '{account}' }
      - { type: mbox, path: '{account}.mbox' }
      - { type: eml-zip, path: '{account}.zip' }
`
}

async function copyTwice(
  plan: string,
  { host, port }: SampleServer,
  options: CommonOptions,
  streams: Streams,
): Promise<number> {
  const tell = (text: string): void => {
    if (!options.json && !options.quiet) streams.stdout.write(text)
  }
  const copy = async (): Promise<number> =>
    run(plan, { ...options, dryRun: false, repair: false, adopt: false }, streams)
  tell(`A sample POP3 server listens on ${host}:${port}; the plan for it is ${name}/migrate.yaml.\n\n`)
  tell(`$ popferry run ${name}/migrate.yaml\n`)
  const first = await copy()
  // Programs get the events of one run; people see that a second one has nothing to do.
  if (first !== exitCodes.done || options.json) return first
  tell(`\nOnce more, as a nightly job would. Nothing is copied twice:\n\n$ popferry run ${name}/migrate.yaml\n`)
  const second = await copy()
  tell(howToLook)
  return second
}

/** What opens a page in the browser. */
const opener = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'start' : 'xdg-open'

const howToLook = `
Look at the copies with what you have:

  ls ${name}/${user}/new                    # the Maildir: a file for each message
  mutt -f ${name}/${user}.mbox              # the mbox
  python3 -c "import mailbox; print(len(mailbox.mbox('${name}/${user}.mbox')), 'messages')"
  unzip -q -d ${name}/mail ${name}/${user}.zip  # the zip archive: a mail program opens each .eml file
  ${opener} ${name}/mail/index.html    # its list of messages, in a browser, to sort and to search
  popferry status ${name}/migrate.yaml  # what popferry knows of them

For your own mail, write a plan like ${name}/migrate.yaml.
`
