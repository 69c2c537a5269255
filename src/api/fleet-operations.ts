/** What an operator can ask of a machine about its fleet. Times in epoch milliseconds. */
export interface FleetOperations {
  /** Undefined: this machine is in no fleet. `ask`: the others are asked how they are, which takes a moment. */
  fleet(options?: { ask: boolean }): Promise<FleetView | undefined>
  /** Lifts all bans of an address in the whole fleet; `refused`: a sentence, and nothing is lifted. */
  fleetUnban(request: { ip: string }): Promise<FleetUnbanOutcome | { refused: string }>
  /** How far the words of others go, everywhere or `here` alone; `refused`: a sentence, and nothing is changed. */
  fleetMode(request: {
    mode: FleetModeName
    here?: boolean | undefined
  }): Promise<FleetModeOutcome | { refused: string }>
  /** Bans an address of nobody's on all machines for a moment; `refused`: a sentence, and nobody was asked. */
  fleetDrill(request: { forMs: number }): Promise<FleetDrillOutcome | { refused: string }>
  /** Ends the quarantine of a member here; `refused`: a sentence, and nothing is changed. */
  fleetRelease(request: { name: string }): Promise<FleetReleaseOutcome | { refused: string }>
}

/** `off`: the words of others have no effect; `simulate`: what they lead to is decided and logged only. */
export type FleetModeName = 'off' | 'simulate' | 'enforce'

/** What holds here is whatever wants least. */
export interface FleetModeView {
  mode: FleetModeName
  /** What an operator has said to all; null: nothing yet. */
  told: { mode: FleetModeName; atMs: number } | null
  /** What was said on this machine for it alone. */
  here: FleetModeName | null
  /** `[fleet] mode` */
  configured: FleetModeName
}

export interface FleetModeOutcome extends FleetModeView {
  /** When the others hear of it; null: it is for this machine alone. */
  toldOthers: 'now' | 'later' | null
}

/** The fleet in a line. */
export interface FleetStatus {
  fleet: string
  /** This machine. */
  name: string
  connected: boolean
  url: string | undefined
  /** Those whose key is not revoked, this machine among them. */
  members: number
  /** Bans and lifts of all members that are remembered. */
  words: number
  mode: FleetModeName
}

/** The fleet as this machine knows it. */
export interface FleetView {
  fleet: string
  /** This machine. */
  name: string
  connected: boolean
  url: string | null
  /** How words come from one machine to the other. */
  transport: 'file' | 'nats'
  /** Why there is no way to the others; null: there is one, or nothing is known. */
  trouble: string | null
  /** Jails here that ban by the word of others, and run. */
  jails: readonly string[]
  /** Version of the broker; null: there has been no connection, or there is none. */
  server: string | null
  /** How long the broker took to keep our last word, or until it was read again from the file; null: we have told none. */
  lagMs: number | null
  /** Lines of the shared file since the start, by what they turned out to be; null: there is none. */
  lines: Readonly<Record<string, number>> | null
  /** Bans and lifts of all members that are remembered. */
  words: number
  /** What has become of what others have told since the start: how many words and statements, and why they were refused. */
  heard: { accepted: number; held: number; refused: Readonly<Record<string, number>> }
  mode: FleetModeView
  /** How many the fleet's jails would ban, while the mode is `simulate`. */
  wouldBan: number
  members: {
    name: string
    level: string
    sinceMs: number
    /** Null: in good standing. */
    revokedAtMs: number | null
    /** While its bans have no effect here. `untilMs` null: until an operator says so. */
    quarantine: { cause: string; sinceMs: number; untilMs: number | null } | null
    /** Its bans count only with those of another until then, as it has banned a canary; null: not so. */
    mistrustedUntilMs: number | null
    /** Its bans and lifts that are remembered. */
    words: number
    /** What it has last said of itself, each null if nothing: its program, its bans, how many its kernel has, whether it only simulates, its mode. */
    version: string | null
    live: number | null
    enforced: number | null
    simulates: boolean | null
    mode: FleetModeName | null
    /** There and back, when it was last asked; null: it has not answered yet, or is this machine. */
    lagMs: number | null
    /** Its last word or heartbeat; null: none, or it is this machine. */
    lastHeardMs: number | null
  }[]
}

export interface FleetUnbanOutcome {
  ip: string
  /** What was told up to then is lifted. */
  atMs: number
  /** So long those that are away learn of it. */
  untilMs: number
  /** Who had banned it, as far as this machine knew. */
  bans: { node: string; jail: string }[]
}

export interface FleetDrillOutcome {
  ip: string
  forMs: number
  /** This one first. */
  machines: {
    name: string
    /** `closed`: its kernel has it; `simulated`: it only says what it would do; `missing`: no answer within 5 s (by a shared file 30 s). */
    result: 'closed' | 'simulated' | 'refused' | 'missing'
    /** Until its answer was here, by this machine's clock; null: there was none. */
    ms: number | null
    /** How much of that it took there. */
    tookMs: number | null
    /** Of a refusal: its words. */
    reason: string | null
  }[]
  /** Of those whose kernel has it; null: there are none. */
  p50Ms: number | null
  p99Ms: number | null
  worstMs: number | null
}

export interface FleetReleaseOutcome {
  name: string
  /** What was ended; null: it was in good standing already, or only had to count with another. */
  quarantine: { cause: string; sinceMs: number } | null
  /** Its bans and lifts that are remembered, and have effect again. */
  words: number
}
