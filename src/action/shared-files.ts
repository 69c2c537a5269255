/** A path that a command may change. Programs and devices are none. */
const path = /(?<=^|[\s"'=>])\/(?!(?:dev|usr|bin|sbin|proc|sys)\b)[\w.+@-]+(?:\/+[\w.+@-]+)*/g
/** Where a command writes to. */
const redirection = /(?<=>\s*["']?)\/[^\s"';|&]+/g
/** What a ban fills in names no file, and its angles are no redirection. */
const tag = /<[^ <>]+>/g

/**
 * Keys of the files that these commands of an action work on; commands with a key in common must not run at the same time. Two jails that
 * edit one file (hosts.deny, a map of a web server) would otherwise lose lines of each other. An action that undoes its bans may edit any
 * file it names; one that only tells of bans edits those that it redirects to.
 */
export function filesOf(commands: readonly string[], undoesBans: boolean): string[] {
  const files = new Set<string>()
  for (const text of commands) {
    const plain = text.replace(tag, '_')
    const written = undoesBans ? [plain] : (plain.match(redirection) ?? [])
    for (const [file] of written.flatMap((part) => [...part.matchAll(path)]))
      files.add(`file ${file.replace(/\/+/g, '/')}`)
  }
  return [...files]
}
