import type { z } from 'zod'
import type { Clock } from './clock.js'
import type { Emit } from './event.js'
import type { SecretProvider } from './secret.js'
import type { Source } from './source.js'
import type { Target } from './target.js'

/**
 * What an adapter is to the rest of the program: a name in the plan, a schema for its settings and a way to make it.
 * The plan's schema, its JSON Schema and the docs follow from `src/registry.ts`, which lists the kinds.
 */
export interface Kind<Made, Context> {
  /** The value of `type:` in the plan. */
  readonly type: string
  /** A strict object without what the plan itself adds: `type`, for targets `name` and `previously`, and the secrets. */
  readonly settings: z.ZodObject
  /** Settings that are more than plain values; dots reach into maps (`tlsOptions.ca`). */
  readonly fields: readonly SpecialField[]
  readonly presets?: Presets
  create(settings: unknown, context: Context): Made
}

/** Settings that the plan need not give because it names a preset; what it gives wins. */
export interface Presets {
  /** The setting that holds the name: `provider`. */
  readonly key: string
  readonly settings: ReadonlyMap<string, Readonly<Record<string, string | number>>>
}

/**
 * - `template`: {account} {user} {host} are filled in.
 * - `template-path`: also {date} {run}; each value is one path component; resolved against the plan's folder.
 * - `file`: an existing file's path, resolved against the plan's folder.
 * - `secret`: not part of `settings`, nor is a map that it stands in (`oauth2.accessToken`): the plan adds it, reads it in
 *   all forms and never shows it.
 */
export interface SpecialField {
  readonly key: string
  readonly form: 'template' | 'template-path' | 'file' | 'secret'
}

export type SourceKind = Kind<Source, SourceContext>
export type TargetKind = Kind<Target, TargetContext>

/** Every kind there is; from `src/registry.ts`. */
export interface Kinds {
  readonly sources: readonly SourceKind[]
  readonly targets: readonly TargetKind[]
}

/** Ties the settings' type to `create`: the plan has validated them by then. */
export function defineKind<S extends z.ZodObject, Made, Context>(kind: {
  readonly type: string
  readonly settings: S
  readonly fields: readonly SpecialField[]
  readonly presets?: Presets
  create(settings: z.output<S>, context: Context): Made
}): Kind<Made, Context> {
  return { ...kind, create: (settings, context) => kind.create(settings as z.output<S>, context) }
}

/** What an adapter that signs in to a server works with. */
export interface SourceContext {
  readonly account: string
  readonly clock: Clock
  readonly emit: Emit
  readonly timeouts: Timeouts
  /** The resolved secrets by key (`password`, `oauth2.accessToken`); absent where the plan has none. */
  readonly secrets: ReadonlyMap<string, SecretProvider>
  /** Emit every protocol line (`-vv`). */
  readonly transcript: boolean
}

export interface TargetContext extends SourceContext {
  /** The target's name in the plan. */
  readonly target: string
  /**
   * For a path template with {date} or {run}: the template with everything else filled in. It is the lane's place,
   * while the settings hold the path of this run.
   */
  readonly series: string | undefined
  /** This run's id; goes into lock files. */
  readonly run: string
  /** The state folder, where a target may keep what is on its way. */
  readonly state: string
}

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number
  readonly reply: number
  readonly stall: number
  readonly settle: number
}
