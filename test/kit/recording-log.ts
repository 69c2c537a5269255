import type { Log, LogLevel } from '../../src/lib/log.js'

/** Keeps what a room says, as `LEVEL text`. */
export class RecordingLog implements Log {
  readonly lines: string[] = []

  isOn(): boolean {
    return true
  }

  write(level: LogLevel, _module: string, text: string): void {
    this.lines.push(`${level} ${text}`)
  }
}
