import { clockTime, environmentFile, type Job, type ScheduleFile } from './job.js'

/**
 * A service and its timer. systemd starts no second one while the first works or waits to be tried again, and popferry's
 * own lock keeps runs by hand apart from it.
 */
export function systemdUnits(job: Job): readonly ScheduleFile[] {
  const folder = '/etc/systemd/system'
  return [
    { name: `${folder}/${job.name}.service`, text: service(job) },
    { name: `${folder}/${job.name}.timer`, text: timer(job) },
  ]
}

// `Restart=` starts a oneshot again only after failures; RestartForceExitStatus= is refused for it before systemd 254.
function service(job: Job): string {
  return `[Unit]
Description=popferry ${specifiers(job.plan)}
Wants=network-online.target
After=network-online.target
# Exit code 75 means: for reasons that pass. Tried again after a quarter of an hour, eight times a day at most.
StartLimitIntervalSec=12h
StartLimitBurst=8

[Service]
Type=oneshot
ExecStart=${job.command.map(argument).join(' ')}
WorkingDirectory=${specifiers(job.folder)}
${environment(job)}Restart=on-failure
RestartSec=15min
RestartPreventExitStatus=1 2 3 4 130 143
# A stop lets it come to a checkpoint.
TimeoutStopSec=30s
UMask=0077
`
}

function environment(job: Job): string {
  if (job.variables.length === 0) return ''
  const lines = job.variables.map((variable) => `# ${variable}=…\n`).join('')
  return `# The plan's secrets; chmod 600:\n${lines}EnvironmentFile=${specifiers(environmentFile(job))}\n`
}

function timer(job: Job): string {
  return `[Unit]
Description=popferry ${specifiers(job.plan)} once a day

[Timer]
OnCalendar=*-*-* ${clockTime(job)}:00
# Not all machines at once.
RandomizedDelaySec=30min
# What was missed while the machine was off is made up for.
Persistent=true

[Install]
WantedBy=timers.target
`
}

/** As systemd.service(5) quotes: C escapes in double quotes, `$` and `%` doubled. */
function argument(text: string): string {
  return `"${specifiers(text).replace(/["\\]/g, '\\$&').replaceAll('$', '$$$$')}"`
}

/** In settings that take a path or a text as it is, only `%` means something. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%')
}
