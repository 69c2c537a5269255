import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { FleetModeView } from '../../api/fleet-operations.js'
import { type FleetMode, isFleetMode, isNewerMode, leastOf, type ModeWord } from '../../fleet/mode.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import { readPlainFile } from '../../lib/plain-file.js'

const fileBytesMax = 1 << 16

export interface ModeSwitchOptions {
  /** Where it is kept. */
  file: string
  /** `[fleet] mode`. */
  configured: FleetMode
  log: Log
}

/** How far the words of others go here: as an operator has said to the whole fleet, or less if somebody wants that here. Kept over a restart. */
export class ModeSwitch {
  readonly #file: string
  readonly #log: Log
  #told: ModeWord | undefined
  /** Said on this machine, for it alone. */
  #here: FleetMode | undefined
  #configured: FleetMode
  #onChange: (mode: FleetMode, before: FleetMode) => void = () => {}

  constructor({ file, configured, log }: ModeSwitchOptions) {
    this.#file = file
    this.#log = log
    this.#configured = configured
    const { told, here } = this.#read()
    this.#told = told
    this.#here = here
  }

  get mode(): FleetMode {
    return leastOf(this.#told?.mode ?? 'enforce', this.#here ?? 'enforce', this.#configured)
  }

  get view(): FleetModeView {
    const told = this.#told === undefined ? null : { mode: this.#told.mode, atMs: this.#told.atMs }
    return { mode: this.mode, told, here: this.#here ?? null, configured: this.#configured }
  }

  /** The last that an operator has said to all. */
  get told(): ModeWord | undefined {
    return this.#told
  }

  /** Called with each change from now on; at once where it is not as ever. */
  watch(onChange: (mode: FleetMode, before: FleetMode) => void): void {
    this.#onChange = onChange
    if (this.mode !== 'enforce') onChange(this.mode, 'enforce')
  }

  /** An operator has said it to all; whether it was news. */
  hear(word: ModeWord): boolean {
    if (!isNewerMode(word, this.#told)) return false
    this.#change(() => {
      this.#told = word
    })
    this.#write()
    return true
  }

  /** For this machine alone; `enforce`: as for all. */
  setHere(mode: FleetMode): void {
    this.#change(() => {
      this.#here = mode === 'enforce' ? undefined : mode
    })
    this.#write()
  }

  /** The configuration has changed. */
  configure(mode: FleetMode): void {
    this.#change(() => {
      this.#configured = mode
    })
  }

  #change(set: () => void): void {
    const before = this.mode
    set()
    if (this.mode === before) return
    this.#log.write('WARNING', 'fleet', `The mode is ${this.mode} now, it was ${before}: ${meanings[this.mode]}`)
    this.#onChange(this.mode, before)
  }

  #read(): { told?: ModeWord | undefined; here?: FleetMode | undefined } {
    try {
      const { told, here } = JSON.parse(readPlainFile(this.#file, { bytesMax: fileBytesMax }).toString()) as Record<
        string,
        unknown
      >
      return { told: wordOf(told), here: isFleetMode(here) ? here : undefined }
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isMissing)
        this.#log.write('ERROR', 'fleet', `Cannot read ${this.#file}: ${messageOf(error)}; the mode is enforce`)
      return {}
    }
  }

  /** Replaces it at once or not at all. */
  #write(): void {
    try {
      const text = JSON.stringify({ told: this.#told, here: this.#here })
      mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 })
      writeFileSync(`${this.#file}.new`, text, { mode: 0o600 })
      renameSync(`${this.#file}.new`, this.#file)
    } catch (error) {
      this.#log.write(
        'ERROR',
        'fleet',
        `The mode is forgotten with a restart: cannot write ${this.#file}: ${messageOf(error)}`,
      )
    }
  }
}

const meanings: Record<FleetMode, string> = {
  off: 'the words of others have no effect',
  simulate: 'what the others tell is decided and logged, and not enforced',
  enforce: 'whom the others ban is banned',
}

function wordOf(raw: unknown): ModeWord | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { mode, atMs, seq } = raw as Record<string, unknown>
  return isFleetMode(mode) && typeof atMs === 'number' && typeof seq === 'number' ? { mode, atMs, seq } : undefined
}
