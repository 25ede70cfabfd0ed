import { migrate, type RunOutcome } from '../../src/app/migrate.js'
import { openSpool } from '../../src/files/spool.js'
import { openLedger } from '../../src/ledgers/sqlite.js'
import type { Event } from '../../src/ports/event.js'
import type { TargetContext } from '../../src/ports/kind.js'
import { Secret } from '../../src/ports/secret.js'
import { pop3 } from '../../src/sources/pop3.js'
import { maildir } from '../../src/targets/maildir.js'
import { mbox } from '../../src/targets/mbox.js'
import { InstantClock, systemClock } from '../support/clock.js'
import type { FakePop3Server } from '../support/fake-pop3-server.js'
import type { TempFolder } from '../support/rig.js'
import { Steps } from '../support/steps.js'

export interface MigrationOptions {
  readonly steps?: Steps
  /** Messages in a batch; many by default. */
  readonly batches?: 'small' | 'large'
  /** Further settings of the source. */
  readonly source?: object
  /** Both by default. */
  readonly targets?: readonly ('maildir' | 'mbox')[]
  readonly limit?: number
  readonly events?: Event[]
}

/** One run in this process, with everything real but its death. */
export async function runOnce(
  server: FakePop3Server,
  folder: TempFolder,
  options: MigrationOptions = {},
): Promise<RunOutcome> {
  const { steps = new Steps(), batches = 'large', limit, events = [] } = options
  const clock = batches === 'small' ? new InstantClock() : systemClock
  const emit = (event: Event): void => void events.push(event)
  const context: TargetContext = { clock, series: undefined, run: 'r' }
  const made = {
    maildir: () => maildir.create(maildir.settings.parse({ path: folder.at('maildir') }), context),
    mbox: () => mbox.create(mbox.settings.parse({ path: folder.at('mbox') }), context),
  }
  const targets = (options.targets ?? ['maildir', 'mbox']).map((name) => ({ name, target: made[name]() }))
  const { host, port, user } = server
  const source = pop3.create(pop3.settings.parse({ host, port, user, tls: 'none', ...options.source }), {
    account: 'alice',
    clock,
    emit,
    timeouts: { connect: 5000, reply: 5000, stall: 5000, settle: 0 },
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
        targets: targets.map(({ name, target }) => ({ name, target: steps.target(target) })),
      },
    ],
    ledger: steps.ledger(ledger),
    spool: await openSpool(folder.at('state', 'spool')),
    clock,
    emit,
    concurrency: { accounts: 1, perHost: 1 },
    limits: { memory: 64 * 1024 * 1024 },
    retry: { attempts: 3, minDelay: 1, maxDelay: 1, maxWait: 1 },
    dryRun: false,
    ...(limit !== undefined && { limit }),
    signal: new AbortController().signal,
  })
}
