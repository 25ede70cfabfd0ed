import type { Fault } from './fault.js'
import type { SignInFacts } from './sign-in-facts.js'

/** What a target's place has to offer. */
export interface Probe {
  /** Where one has to sign in. */
  readonly signIn?: SignInFacts
  /** Octets that can still be written there. */
  readonly free?: number
  /** Octets that are used and allowed, where the server says so. */
  readonly quota?: { readonly used: number; readonly limit: number }
}

export interface SourceCheck {
  /** Once it was signed in. */
  readonly signIn?: SignInFacts
  /** What waits there, once it was listed. */
  readonly messages?: number
  readonly bytes?: number
  /** Of that, what at least one target lacks, as far as the ids tell. */
  readonly missing?: { readonly messages: number; readonly bytes: number }
  /** How long a run takes for what is missing; absent where nothing is. */
  readonly estimate?: Estimate
  readonly fault?: Fault
}

/** Seconds, from the least that is likely to the most. */
export interface Estimate {
  readonly from: number
  readonly to: number
}

export interface TargetCheck extends Probe {
  readonly target: string
  readonly fault?: Fault
}

export interface AccountCheck {
  readonly account: string
  readonly source: SourceCheck
  readonly targets: readonly TargetCheck[]
}
