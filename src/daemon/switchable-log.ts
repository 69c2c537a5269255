import type { LogLevel } from '../lib/log.js'
import type { ClosableLog } from '../lib/log-writer.js'

/** A log whose target can be changed while others write to it. */
export class SwitchableLog implements ClosableLog {
  #current: ClosableLog
  /** Told of every error, so that people can be. */
  onError: (text: string) => void = () => {}

  constructor(first: ClosableLog) {
    this.#current = first
  }

  /** What follows goes to `next`; the old one is closed. */
  switchTo(next: ClosableLog): void {
    const old = this.#current
    this.#current = next
    old.close()
  }

  isOn(level: LogLevel): boolean {
    return this.#current.isOn(level)
  }

  write(level: LogLevel, module: string, text: string): void {
    this.#current.write(level, module, text)
    // Trouble with telling people is not told to people.
    if ((level === 'ERROR' || level === 'CRITICAL') && module !== 'notify') this.onError(text)
  }

  reopen(): void {
    this.#current.reopen()
  }

  close(): void {
    this.#current.close()
  }
}
