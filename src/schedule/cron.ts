import { environmentFile, type Job, type ScheduleFile } from './job.js'

/** A line of a crontab. popferry's lock lets no second run work beside the first: it ends at once with exit code 4. */
export function cronLine(job: Job): readonly ScheduleFile[] {
  const { command, folder, at, variables } = job
  const secrets = variables.length === 0 ? '' : `set -a; . ${shell(environmentFile(job))}; set +a; `
  // Exit code 75 means: for reasons that pass.
  const attempts = `for n in 1 2 3 4; do ${command.map(shell).join(' ')}; [ $? -eq 75 ] || break; sleep 900; done`
  const line = `${at.minute} ${at.hour} * * * cd ${shell(folder)} && { ${secrets}${attempts}; }`
  const notes = variables.map((variable) => `# ${environmentFile(job)} (chmod 600) sets ${variable}=…\n`).join('')
  // To cron a `%` ends the command, unless it is escaped; the shell does not see the backslash.
  return [{ name: 'crontab -e', text: `${notes}${line.replaceAll('%', '\\%')}\n` }]
}

function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
