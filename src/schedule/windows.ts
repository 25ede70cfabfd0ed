import { clockTime, type Job, type ScheduleFile } from './job.js'

/**
 * A task of the Windows Task Scheduler (schema of 2004/02). It never runs twice at once, and makes up for what was missed.
 * The scheduler does not look at exit codes: what a run leaves with 75, the next one copies.
 */
export function windowsTask(job: Job): readonly ScheduleFile[] {
  const [program, ...others] = job.command
  const text = `<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${xml(`popferry ${job.plan}${variables(job)}`)}</Description>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T${clockTime(job)}:00</StartBoundary>
      <RandomDelay>PT30M</RandomDelay>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
  </Settings>
  <Actions>
    <Exec>
      <Command>${xml(program)}</Command>
      <Arguments>${xml(others.map(argument).join(' '))}</Arguments>
      <WorkingDirectory>${xml(job.folder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`
  return [{ name: `schtasks /create /tn ${job.name} /xml ${job.name}.xml`, text }]
}

function variables({ variables }: Job): string {
  return variables.length === 0 ? '' : `; set these variables for its user: ${variables.join(', ')}`
}

/** As CommandLineToArgvW reads it: backslashes count double before a quote only. */
function argument(text: string): string {
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`
}

function xml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')
}
