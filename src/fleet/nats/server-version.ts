/** Known holes are closed from these on (NATS advisories until mid 2026); within 2.11 a release of its own. */
const safe = [
  [2, 12, 7],
  [2, 11, 16],
] as const

/** What to say about a broker of this version; undefined: nothing. */
export function versionWarning(version: string): string | undefined {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []
  const [major = 0, minor = 0, patch = 0] = parts.map(Number)
  const [newest, older] = safe
  const isSafe =
    major > newest[0] ||
    (major === newest[0] && (minor > newest[1] || (minor === newest[1] && patch >= newest[2]))) ||
    (major === older[0] && minor === older[1] && patch >= older[2])
  if (isSafe) return undefined
  return `The broker is nats-server ${JSON.stringify(version)}, which has known security holes: let only nodes of the fleet reach it, and upgrade it to ${newest.join('.')} (or ${older.join('.')}) when you can`
}
