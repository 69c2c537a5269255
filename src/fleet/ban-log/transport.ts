import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import type { Parcel, Transport, TransportEvents } from '../transport.js'
import type { NodeName } from '../word.js'
import { BanLogFile } from './ban-log-file.js'
import { Intake } from './intake.js'
import { KeptParcels } from './kept-parcels.js'
import { syslogDate } from './line-date.js'
import { rotatedText } from './rotated-log.js'
import { banIn, signedLine } from './signed-line.js'

export interface BanLogOptions {
  path: string
  node: NodeName
  /** This machine is in no fleet: it writes plain lines, and takes signed ones for plain ones, as it knows nobody's key. */
  isPlain: boolean
  clock: Clock
  log: Log
  pid: number
  /** The port that a jail closes, if it is one; 0: it is not. */
  portOf(jail: string): number
  /** Follows the file from its begin on, through rotation, by polling where nothing else helps (source/file-tail). */
  follow(path: string, follower: LogFollower): { close(): Promise<void> }
}

export interface LogFollower {
  /** Whole lines, each with its end. `isLive` is false for what was there already. */
  onLines(text: string, isLive: boolean): void
  /** What was there already has been handed over. */
  onLive(): void
}

/** How long a line may take to be read again before it is taken to be lost: SSHFS keeps what it knows of a file for some seconds. */
const readAgainMs = 8000
/** Then it is left as it is: whoever can write and not read would fill the disk. */
const triesMax = 3
const reachAgainMs = 2000
/** So often it is looked whether the share is still there, when nothing is told. */
const lookMs = 60_000

/**
 * The fleet's words as lines in one shared file, among the lines of Fail2ban nodes that know nothing of us. What was published has been read again from the file: a line that was torn, fused with
 * another one, or lost in a rotation is written once more.
 */
export class BanLogTransport implements Transport {
  readonly kind = 'file'
  readonly #options: BanLogOptions
  readonly #file: BanLogFile
  readonly #kept: KeptParcels
  readonly #intake: Intake
  #events: TransportEvents | undefined
  #onCatchUp: ((parcel: Parcel) => void) | undefined
  #tail: { close(): Promise<void> } | undefined
  #live: Promise<void> | undefined
  #trouble: string | undefined
  /** Undefined: it is not known yet. */
  #isConnected: boolean | undefined
  #isClosed = false
  #lagMs: number | undefined
  #cancelReach = () => {}
  #hasWarned = false
  readonly #waits = new Set<() => void>()

  constructor(options: BanLogOptions) {
    this.#options = options
    const { path, node, isPlain, clock } = options
    this.#file = new BanLogFile(path, clock)
    this.#kept = new KeptParcels(`${path}.fleet`)
    this.#intake = new Intake({
      node,
      isPlain,
      clock,
      onParcel: (parcel, isLive) => {
        if (isLive) this.#events?.onParcel(parcel)
        else this.#onCatchUp?.(parcel)
      },
      onPlain: (ban, isLive) => this.#events?.onPlain?.(ban, isLive ? 'live' : 'catch-up'),
    })
  }

  get state(): Transport['state'] {
    const connected = this.#isConnected === true
    return {
      connected,
      url: this.#options.path,
      server: undefined,
      lagMs: this.#lagMs,
      trouble: connected ? undefined : this.#trouble,
    }
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#intake.counts
  }

  /** A plain line has turned out to be one. */
  countEcho(): void {
    this.#intake.counts.plain--
    this.#intake.counts.echoes++
  }

  start(events: TransportEvents): Promise<void> {
    this.#events = events
    return this.#reach()
  }

  async publish(parcel: Parcel): Promise<void> {
    const { clock, isPlain } = this.#options
    const ban = banIn(parcel)?.word
    // Whoever reads it would pass it over.
    if (ban?.untilMs !== undefined && ban.untilMs <= clock.now()) return
    if (isPlain && ban === undefined) return
    if (this.#isConnected !== true) throw new Error(`${this.#file.path} cannot be written at present`)
    const line = this.#lineOf(parcel)
    if (line === undefined) throw new Error(`A message of ${parcel.body.length} bytes is too long for a line`)
    if (parcel.subject.startsWith('ctl.')) await this.#keep(parcel)
    for (let tries = 0; tries < triesMax && !this.#isClosed; tries++)
      if (await this.#writeAndSee(line, { onNewLine: tries > 0 })) return
    if (this.#isClosed) throw new Error('the daemon stops')
    this.#warnOfUnseen()
  }

  /** First what an operator has signed, so that the signatures of members are known; then the file from its begin. */
  async catchUp(onParcel: (parcel: Parcel) => void): Promise<void> {
    if (!this.#options.isPlain) for (const parcel of await this.#kept.all()) onParcel(parcel)
    this.#onCatchUp = onParcel
    this.#live ??= this.#followFromRotated()
    await this.#live
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelReach()
    for (const end of [...this.#waits]) end()
    this.#intake.close()
    await this.#tail?.close()
  }

  async #followFromRotated(): Promise<void> {
    this.#intake.take(await rotatedText(this.#file.path), false)
    await this.#follow()
  }

  #follow(): Promise<void> {
    return new Promise((resolve) => {
      this.#waits.add(resolve)
      this.#tail = this.#options.follow(this.#options.path, {
        onLines: (text, isLive) => this.#intake.take(text, isLive),
        onLive: () => this.#intake.whenDone(resolve),
      })
    })
  }

  #lineOf(parcel: Parcel): string | undefined {
    const { clock, pid, isPlain, node, portOf } = this.#options
    const ban = banIn(parcel)?.word
    const port = ban === undefined ? 0 : portOf(ban.jail)
    const nowMs = clock.now()
    if (!isPlain) return signedLine(parcel, { nowMs, pid, port })
    return `${syslogDate(nowMs)} tocsin.${node}[${pid}]: HOST ${ban?.ip} PORT ${port}`
  }

  /** Only what whoever comes later cannot do without. The line is told all the same. */
  async #keep(parcel: Parcel): Promise<void> {
    try {
      await this.#kept.keep(parcel)
      await this.#kept.purge(this.#options.clock.now())
    } catch (error) {
      this.#options.log.write(
        'ERROR',
        'fleet',
        `Cannot keep ${parcel.subject} in ${this.#kept.dir}: ${messageOf(error)}; machines that start later may not know it`,
      )
    }
  }

  /** Whether it could be read again. Rejects when it could not be written. */
  async #writeAndSee(line: string, options: { onNewLine: boolean }): Promise<boolean> {
    const { clock } = this.#options
    const fromMs = clock.now()
    const seen = this.#seen(line)
    try {
      await this.#file.append(line, options)
    } catch (error) {
      seen.giveUp()
      this.#lose(error)
      throw error
    }
    const isSeen = await seen.promise
    if (isSeen) this.#lagMs = clock.now() - fromMs
    return isSeen
  }

  #seen(line: string): { promise: Promise<boolean>; giveUp(): void } {
    let giveUp = () => {}
    const promise = new Promise<boolean>((resolve) => {
      const end = (isSeen: boolean) => {
        cancel()
        forget()
        this.#waits.delete(giveUp)
        resolve(isSeen)
      }
      giveUp = () => end(false)
      const cancel = this.#options.clock.after(readAgainMs, giveUp)
      this.#waits.add(giveUp)
      const forget = this.#intake.await(line, () => end(true))
    })
    return { promise, giveUp }
  }

  async #reach(): Promise<void> {
    try {
      await this.#file.probe()
    } catch (error) {
      this.#lose(error)
      return
    }
    if (this.#isClosed) return
    this.#cancelReach()
    this.#cancelReach = this.#options.clock.after(lookMs, () => void this.#reach())
    if (this.#isConnected) return
    this.#isConnected = true
    this.#events?.onConnected()
  }

  #lose(error: unknown): void {
    if (this.#isClosed) return
    this.#cancelReach()
    this.#cancelReach = this.#options.clock.after(reachAgainMs, () => void this.#reach())
    // The first time, and when it had been there.
    const isNews = this.#isConnected !== false
    this.#isConnected = false
    this.#trouble = messageOf(error)
    if (isNews) this.#events?.onDisconnected(messageOf(error))
  }

  #warnOfUnseen(): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const { log, path } = this.#options
    log.write(
      'WARNING',
      'fleet',
      `What is written to ${path} cannot be read from it again: the others may not get all of it`,
    )
  }
}
