import { parseIp } from '../domain/address.js'
import { readBegin } from './bounded-file.js'
import type { Guarded } from './guarded.js'

const fileBytesMax = 1 << 16

/** What programs ask, and what systemd-resolved, which answers them as 127.0.0.53, asks itself. */
const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']

/** Who this machine asks for names: `nameserver` lines (resolv.conf(5)). What a local server of another kind asks, nobody can tell. */
export function resolvers(files: readonly string[] = resolverFiles): Guarded[] {
  const known = new Map<string, Guarded>()
  for (const file of files) {
    for (const [, word = ''] of (readBegin(file, fileBytesMax) ?? '').matchAll(
      /^[ \t]*nameserver[ \t]+([^\s#;%]+)/gm,
    )) {
      const ip = parseIp(word)
      if (ip === undefined || known.has(ip.text)) continue
      known.set(ip.text, { ip, kind: 'resolver', reason: `${ip.text} is a resolver of this machine (${file})` })
    }
  }
  return [...known.values()]
}
