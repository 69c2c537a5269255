import { parseIp } from '../../domain/address.js'
import type { Ban } from '../../domain/ban.js'
import { rowOf, type Unsaid } from '../../fleet/outbox.js'
import type { Word } from '../../fleet/word.js'
import { messageOf } from '../../lib/error-message.js'
import type { JailUnit } from '../jails.js'
import { banWordOf, type Lifted, liftWordOf } from './ban-word.js'
import type { FleetJails } from './fleet-jails.js'
import type { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'
import { type Count, Sightings } from './sightings.js'

export interface OwnWordsOptions {
  state: FleetState
  knowledge: FleetKnowledge
  jails: FleetJails
  /** Something is to be told. */
  wake(): void
}

/** What this machine has to tell of its own bans: kept with them, counted here as it is where it is told. */
export class OwnWords {
  readonly #options: OwnWordsOptions
  readonly #sightings: Sightings

  constructor(options: OwnWordsOptions) {
    this.#options = options
    this.#sightings = new Sightings(options.jails)
    this.#knowOwn()
  }

  /** `keep` writes the bans down, and the words for the others with them; it may throw. */
  tell(bans: readonly Ban[], keep: (texts: string[]) => void): void {
    const atMs = this.#options.state.clock.now()
    const words = bans.filter((ban) => this.#isOwn(ban)).map((ban) => banWordOf({ ...ban, atMs }))
    this.#say(words, keep)
  }

  /** Only of what others have been told. */
  untell(lifts: readonly Lifted[], keep: (texts: string[]) => void): void {
    const { state, knowledge, jails } = this.#options
    const nowMs = state.clock.now()
    const words = lifts.filter((lift) => this.#isTold(lift)).map((lift) => liftWordOf(lift, nowMs))
    this.#say(words, keep)
    for (const { ip } of words) if (knowledge.standing(ip).length === 0) jails.lift(ip)
  }

  untellAll(jails: readonly string[], keep: (texts: string[]) => void): void {
    const { state, knowledge } = this.#options
    const own = [...knowledge.bans.words(state.clock.now(), knowledge.self)]
    const lifts = own.flatMap(({ kind, ip, jail }) => (kind === 'ban' && jails.includes(jail) ? { id: ip, jail } : []))
    this.untell(lifts, keep)
  }

  /** `isTold`: or else it counts here alone. */
  counted(unit: JailUnit, id: string, count: Count, isTold: boolean): void {
    const { state, knowledge, jails } = this.#options
    const word = this.#sightings.of(unit, id, count, state.clock.now())
    if (word === undefined) return
    if (isTold) this.#saySighting(word)
    else jails.offer({ ...word, node: knowledge.self, seq: 0 }, 'alone')
  }

  #saySighting(word: Unsaid): void {
    const { store, log } = this.#options.state
    try {
      this.#say([word], (texts) => store.outbox.add(texts))
    } catch (error) {
      log.write('ERROR', 'fleet', `A sighting for the others cannot be kept: ${messageOf(error)}`)
    }
  }

  #say(words: readonly Unsaid[], keep: (texts: string[]) => void): void {
    const { state, knowledge, jails, wake } = this.#options
    keep(words.map(rowOf))
    if (words.length === 0) return
    const firstSeq = state.store.outbox.lastSeq - words.length + 1
    const said = words.map((word, i): Word => ({ ...word, node: knowledge.self, seq: firstSeq + i }))
    for (const word of said) if (word.kind !== 'sighting') knowledge.bans.tell(word, { nowMs: state.clock.now() })
    wake()
    for (const word of said) if (word.kind !== 'unban') jails.offer(word, 'alone')
  }

  /** What was in force when we started: the others may have been told of it. */
  #knowOwn(): void {
    const { state, knowledge } = this.#options
    const { bans, clock } = state
    for (const ban of bans.live.all()) {
      if (!this.#isOwn(ban)) continue
      // The database knows seconds: a ban that began in the second in which an address was lifted is taken to be the later.
      const atMs = Math.min(ban.startMs + 999, clock.now())
      const word = banWordOf({ ...ban, failures: 0, origin: { kind: 'jail' }, atMs })
      knowledge.bans.tell({ ...word, node: knowledge.self, seq: 1 }, { nowMs: clock.now() })
    }
  }

  /** Neither by the others' word, nor of a text that only this machine understands. */
  #isOwn({ id, jail }: Lifted): boolean {
    return this.#options.state.jails.get(jail)?.config.source.kind !== 'fleet' && parseIp(id) !== undefined
  }

  #isTold({ id, jail }: Lifted): boolean {
    const { knowledge } = this.#options
    const isSame = (ban: { node: string; jail: string }) => ban.node === knowledge.self && ban.jail === jail
    return parseIp(id) !== undefined && knowledge.standing(id).some(isSame)
  }
}
