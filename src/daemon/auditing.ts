import { closureOf } from '../bans/deliveries.js'
import type { LiveBans } from '../bans/live-bans.js'
import type {
  Audit,
  AuditRequest,
  Closure,
  Enforcer,
  ForeignChange,
  TimedClosure,
  Touched,
} from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { findings } from './audit-findings.js'
import { auditByReconciling, nothingFound } from './reconciling-audit.js'

export interface AuditingOptions {
  clock: Clock
  log: Log
  enforcer: Enforcer
  bans: { live: LiveBans; settled(): Promise<void> }
  /** Jails whose bans the enforcer has to hold. */
  jails(): ReadonlySet<string>
  /** Between two audits; 0: only when asked for. */
  everyMs(): number
}

/** What audits have found since the start. */
export interface AuditAccount {
  last: (Audit & { atMs: number }) | undefined
  audits: number
  missingTotal: number
  wrongEndTotal: number
  foreignTotal: number
  /** Transactions of others on what is ours. */
  foreignChanges: number
}

/** An audit takes at most a tenth of the time, however many bans there are. */
const restForEach = 9
/** Without netlink an audit costs a process that lists everything: above so many bans only when asked for. */
const reconciledMax = 20_000
/** After a repair, so long is waited until the next: somebody may be undoing ours again and again. */
const repairEveryMs = 250
/** More news than this while a repair waits are one: look at everything. */
const touchedMax = 5_000
/** So many lines a minute tell of what was wrong; what was wrong besides is counted. */
const toldMax = 10
const toldEveryMs = 60_000

/**
 * Holds the enforcer to what is decided: from time to time, when asked to, and at once when somebody else changes what is ours. One audit
 * at a time, and beside it one repair. A repair is followed by a rest, for which further news wait.
 */
export class Auditing {
  readonly #options: AuditingOptions
  readonly account: AuditAccount = {
    last: undefined,
    audits: 0,
    missingTotal: 0,
    wrongEndTotal: 0,
    foreignTotal: 0,
    foreignChanges: 0,
  }
  #last: Promise<unknown> = Promise.resolve()
  #repairing: Promise<unknown> = Promise.resolve()
  #cancelNext: (() => void) | undefined
  #cancelRepair: (() => void) | undefined
  #stopWatching: (() => void) | undefined
  #heard: ForeignChange | undefined
  #isRepairing = false
  readonly #over = new AbortController()
  #toldSinceMs = Number.NEGATIVE_INFINITY
  #told = 0
  #untold = 0
  #foreignTold = 0

  constructor(options: AuditingOptions) {
    this.#options = options
  }

  /** Once bans are in force. */
  start(): void {
    const { enforcer, log } = this.#options
    try {
      this.#stopWatching = enforcer.watch?.((change) => this.#hear(change))
    } catch (error) {
      // The audits go on without.
      log.write('WARNING', 'actions', `Cannot hear of others' changes to the firewall: ${messageOf(error)}`)
    }
    this.#plan(this.#options.everyMs())
  }

  /** Looks at everything now. */
  async audit({ removeForeign }: { removeForeign: boolean }): Promise<Audit> {
    return this.#inTurn({ isThorough: removeForeign, removeForeign })
  }

  /** No more audits, and nothing heard any more; one that runs comes to its end. */
  async close(): Promise<void> {
    this.#over.abort(new Error('the daemon is stopping'))
    this.#stopWatching?.()
    this.#cancelNext?.()
    this.#cancelRepair?.()
    await Promise.all([this.#last, this.#repairing])
  }

  /** What waits has changed: the next audit comes when it is due by the new settings. */
  replan(): void {
    this.#plan(this.#options.everyMs())
  }

  #plan(delayMs: number): void {
    this.#cancelNext?.()
    this.#cancelNext = undefined
    if (this.#over.signal.aborted || this.#options.everyMs() === 0) return
    this.#cancelNext = this.#options.clock.after(delayMs, () => void this.#periodic())
  }

  async #periodic(): Promise<void> {
    const { enforcer, bans, everyMs } = this.#options
    const isTooDear = enforcer.audit === undefined && bans.live.counts().live > reconciledMax
    if (enforcer.kind === 'simulate' || isTooDear) return this.#plan(everyMs())
    const audit = await this.#inTurn({ isThorough: false, removeForeign: false })
    this.#plan(Math.max(everyMs(), audit.durationMs * restForEach))
  }

  #hear(change: ForeignChange): void {
    this.account.foreignChanges++
    this.#heard = this.#heard === undefined ? change : merged(this.#heard, change)
    if (!this.#isRepairing) void this.#repair()
  }

  async #repair(): Promise<void> {
    const change = this.#heard
    if (change === undefined || this.#over.signal.aborted) return
    this.#heard = undefined
    this.#isRepairing = true
    const { touched, by } = change
    const repair = this.#run({ isThorough: false, removeForeign: false, ...(touched && { only: touched }) })
    this.#repairing = repair
    const who = by === undefined ? 'Somebody' : `Somebody (${by})`
    this.#tell(await repair, `${who} has changed the firewall's table`, touched === undefined)
    this.#cancelRepair = this.#options.clock.after(repairEveryMs, () => {
      this.#isRepairing = false
      void this.#repair()
    })
  }

  #inTurn(how: { isThorough: boolean; removeForeign: boolean }): Promise<Audit> {
    const result = this.#last.then(async () => {
      const audit = await this.#run(how)
      this.#tell(audit, 'Audit', true)
      return audit
    })
    this.#last = result
    return result
  }

  /** Never rejects: what went wrong is in the result. */
  async #run(how: { isThorough: boolean; removeForeign: boolean; only?: Touched }): Promise<Audit> {
    const { enforcer, clock } = this.#options
    const request: AuditRequest = { ...this.#request(), ...how, signal: this.#over.signal }
    const startMs = clock.now()
    let audit: Audit
    try {
      audit =
        enforcer.kind === 'simulate'
          ? {
              ...nothingFound,
              wanted: [...request.wanted()].length,
              trouble: 'bans are only simulated, no packet is dropped',
            }
          : ((await enforcer.audit?.(request)) ?? (await auditByReconciling(enforcer, request)))
    } catch (error) {
      audit = { ...nothingFound, trouble: messageOf(error) }
    }
    audit = { ...audit, durationMs: clock.now() - startMs }
    const { account } = this
    account.audits++
    account.missingTotal += audit.missing
    account.wrongEndTotal += audit.wrongEnd
    account.foreignTotal += audit.foreign
    if (how.only === undefined) account.last = { ...audit, atMs: clock.now() }
    return audit
  }

  #request(): Pick<AuditRequest, 'wanted' | 'wantedNow' | 'settled' | 'onFound'> {
    const { bans, clock } = this.#options
    const jails = this.#options.jails()
    const liveOf = ({ jail, ip }: Closure) => (jails.has(jail) ? bans.live.get(jail, ip.text) : undefined)
    return {
      *wanted(): Iterable<TimedClosure> {
        for (const ban of bans.live.all()) {
          const closure = jails.has(ban.jail) ? closureOf(ban, clock.now()) : undefined
          if (closure !== undefined) yield closure
        }
      },
      wantedNow(closure) {
        const ban = liveOf(closure)
        return ban && closureOf(ban, clock.now())
      },
      settled: () => bans.settled(),
      onFound(closure, isEnforced) {
        const ban = liveOf(closure)
        if (ban !== undefined) bans.live.setEnforced(ban, isEnforced)
      },
    }
  }

  /** Says what was wrong; nothing when nothing was. What stays as it is in audit after audit is told of once. */
  #tell(audit: Audit, occasion: string, isWhole: boolean): void {
    if (this.#over.signal.aborted) return
    const sentences = findings(audit, { tellForeign: !isWhole || audit.foreign !== this.#foreignTold })
    if (isWhole) this.#foreignTold = audit.foreign
    if (sentences.length === 0) return
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#toldSinceMs >= toldEveryMs) {
      this.#toldSinceMs = nowMs
      this.#told = 0
    }
    if (++this.#told > toldMax) {
      this.#untold++
      return
    }
    const more = this.#untold > 0 ? ` (${this.#untold} more before, untold)` : ''
    this.#untold = 0
    const level = audit.trouble === undefined ? 'WARNING' : 'ERROR'
    this.#options.log.write(level, 'actions', `${occasion}: ${sentences.join('; ')}${more}`)
  }
}

function merged(a: ForeignChange, b: ForeignChange): ForeignChange {
  const isStructure = a.isStructure || b.isStructure
  const all =
    a.touched && b.touched && a.touched.closures.length + b.touched.closures.length <= touchedMax
      ? {
          closures: [...a.touched.closures, ...b.touched.closures],
          networks: a.touched.networks || b.touched.networks,
        }
      : undefined
  return { isStructure, touched: isStructure ? undefined : all, by: a.by === b.by ? a.by : undefined }
}
