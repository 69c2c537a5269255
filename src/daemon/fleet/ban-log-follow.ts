import { parseLineDate } from '../../fleet/ban-log/line-date.js'
import type { LogFollower } from '../../fleet/ban-log/transport.js'
import type { Clock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import { type FileTail, followFile } from '../../source/file-tail.js'

/** The longest that a member's ban lasts (fleet/trust): what is older is passed over at the start. */
const reachMs = 7 * 86_400_000

/** Follows the shared log from its begin on. Latin 1 has a character for every byte: there is nothing in it that cannot be read. */
export function followBanLog(
  path: string,
  { onLines, onLive }: LogFollower,
  { clock, log }: { clock: Clock; log: Log },
): FileTail {
  return followFile({
    path,
    start: 'head',
    encoding: 'latin1',
    clock,
    log,
    isTooOld(line) {
      const [, date = ''] = /^(?:<\d{1,3}>)?(\w{3} [ \d]\d [\d:]{8})/.exec(line) ?? []
      const nowMs = clock.now()
      const timeMs = parseLineDate(date, nowMs)
      return timeMs === undefined ? undefined : timeMs < nowMs - reachMs
    },
    onChunk: ({ lines, live }) => onLines(lines.text, live),
    onEvent: ({ kind }) => {
      if (kind === 'live') onLive()
    },
  })
}
