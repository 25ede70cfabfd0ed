/** What a scheduler is to run once a day. No text in it has control characters. */
export interface Job {
  /** Of the unit or task: letters, digits and hyphens. */
  readonly name: string
  /** The plan's absolute path. */
  readonly plan: string
  /** Its folder, where the job works. */
  readonly folder: string
  /** The program and its arguments; paths are absolute. */
  readonly command: readonly [string, ...string[]]
  readonly at: { readonly hour: number; readonly minute: number }
  /** Environment variables that the plan takes secrets from. */
  readonly variables: readonly string[]
}

/** A file of the scheduler, or a line for one. */
export interface ScheduleFile {
  /** Where it goes. */
  readonly name: string
  readonly text: string
}

/** The file in which the variables are set, a line `NAME=value` each. */
export function environmentFile({ folder, name }: Job): string {
  return `${folder.replace(/\/$/, '')}/${name}.env`
}

/** `04:07` */
export function clockTime({ at: { hour, minute } }: Job): string {
  return [hour, minute].map((part) => String(part).padStart(2, '0')).join(':')
}
