import { migrate, type RunOutcome } from '../../src/app/migrate.js'
import { openQuarantine } from '../../src/files/quarantine.js'
import { openSpool } from '../../src/files/spool.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Emit } from '../../src/ports/event.js'
import type { Timeouts } from '../../src/ports/kind.js'
import { Secret } from '../../src/ports/secret.js'
import type { Target } from '../../src/ports/target.js'
import { pop3 } from '../../src/sources/pop3.js'
import { emlZip } from '../../src/targets/eml-zip.js'
import { maildir } from '../../src/targets/maildir.js'
import { mbox } from '../../src/targets/mbox.js'
import { InstantClock, systemClock } from '../support/clock.js'
import type { FakePop3Server } from '../support/fake-pop3-server.js'
import type { TempFolder } from '../support/rig.js'
import type { Steps } from '../support/steps.js'
import { targetContext } from '../support/target-context.js'

/** One run in this process, with everything real but its death. */
export async function run(
  server: FakePop3Server,
  folder: TempFolder,
  steps: Steps,
  {
    batches = 'large',
    source: settings,
    limit,
    deleteAfter,
    repair = false,
    adopt = false,
    targets: wanted = all,
    wrap = same,
    more = [],
    timeouts = { connect: 5000, reply: 5000, stall: 5000, settle: 0 },
    emit = () => undefined,
  }: Circumstances = {},
): Promise<RunOutcome> {
  const clock = batches === 'small' ? new InstantClock() : systemClock
  const context = targetContext({ clock, run: 'r', state: folder.at('state') })
  const targets = [
    { name: 'maildir', target: wrap(maildir.create(maildir.settings.parse({ path: folder.at('maildir') }), context)) },
    { name: 'mbox', target: mbox.create(mbox.settings.parse({ path: folder.at('mbox') }), context) },
    { name: 'zip', target: emlZip.create(emlZip.settings.parse({ path: folder.at('zips', 'mail.zip') }), context) },
  ]
  const { host, port, user } = server
  const source = pop3.create(pop3.settings.parse({ host, port, user, tls: 'none', ...settings }), {
    account: 'alice',
    clock,
    emit,
    timeouts,
    secrets: new Map([['password', async () => new Secret(server.password)]]),
    transcript: false,
  })
  await using ledger = await openLedger({ folder: folder.at('state'), readOnly: false, clock })
  return await migrate({
    run: `r${Math.random()}`,
    planFile: 'plan',
    jobs: [
      {
        name: 'alice',
        host,
        user,
        source: steps.source(source),
        ...(deleteAfter !== undefined && { deleteAfter }),
        targets: [...targets.filter(({ name }) => wanted.includes(name)), ...more].map(({ name, target }) => ({
          name,
          target: steps.target(target),
        })),
      },
    ],
    ledger: steps.ledger(ledger),
    spool: await openSpool(folder.at('state', 'spool')),
    quarantine: steps.quarantine(openQuarantine(folder.at('state', 'quarantine'), clock)),
    clock,
    emit,
    concurrency: { accounts: 1, perHost: 1 },
    limits: { memory: 64 * 1024 * 1024 },
    retry: { attempts: 2, minDelay: 1, maxDelay: 1, maxWait: 1 },
    dryRun: false,
    repair,
    adopt,
    ...(limit !== undefined && { limit }),
    signal: new AbortController().signal,
  })
}

const same = (target: Target): Target => target
const all: readonly string[] = ['maildir', 'mbox', 'zip']

export interface Circumstances {
  readonly batches?: 'small' | 'large'
  /** Further settings of the source. */
  readonly source?: object
  readonly limit?: number
  /** Ms. */
  readonly deleteAfter?: number
  readonly repair?: boolean
  readonly adopt?: boolean
  /** All by default. */
  readonly targets?: readonly string[]
  /** Between the Maildir and its steps. */
  readonly wrap?: (target: Target) => Target
  /** Beside those. */
  readonly more?: readonly { readonly name: string; readonly target: Target }[]
  /** Of the source. */
  readonly timeouts?: Timeouts
  readonly emit?: Emit
}
