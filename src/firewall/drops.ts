import type { Drops } from '../domain/enforcer.js'

/** What several have kept out together. */
export function sumOf(parts: readonly Drops[]): Drops {
  return parts.reduce((sum, { packets, bytes }) => ({ packets: sum.packets + packets, bytes: sum.bytes + bytes }), {
    packets: 0,
    bytes: 0,
  })
}
