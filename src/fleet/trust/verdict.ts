/** Why a word of a member has no effect. Codes are for counting; each comes with a sentence. */
export type WordRefusal =
  | 'clock'
  | 'expired'
  | 'protected'
  | 'nobodys-address'
  | 'too-wide'
  | 'canary'
  | 'rate'
  | 'population'
  | 'fleet-population'
  | 'revoked-node'
  | 'before-epoch'
  | 'not-an-operator'

/** What is to be done with a word. */
export type Verdict = Accepted | { kind: 'refuse'; reason: WordRefusal; detail: string }

export interface Accepted {
  kind: 'accept'
  /** When it ends for us; undefined: it is permanent. */
  cappedUntilMs: number | undefined
  /** `enforce`: by itself; `corroborate`: with others only; `hold`: keep it, without effect while its node is in quarantine. */
  effect: 'enforce' | 'corroborate' | 'hold'
}

export type Refusal = Extract<Verdict, { kind: 'refuse' }>

export function refuse(reason: WordRefusal, detail: string): Refusal {
  return { kind: 'refuse', reason, detail }
}
