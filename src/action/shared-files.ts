/** A path that a command may change. Programs and devices are none. */
const path = /(?<![\w./@:-])\/(?!(?:dev|usr|bin|sbin|proc|sys)\b)[\w.+@-]+(?:\/[\w.+@-]+)*/g
/** Where a command writes to. */
const redirection = /(?<!<)>{1,2}\s*(?<quote>["']?)(?=\/)/g

/**
 * Keys of the files that these commands of an action work on; commands with a key in common must not run at the same time. Two jails that
 * edit one file (hosts.deny, a map of a web server) would otherwise lose lines of each other. An action that undoes its bans may edit any
 * file it names; one that only tells of bans edits those that it redirects to.
 */
export function filesOf(commands: readonly string[], undoesBans: boolean): string[] {
  const files = new Set<string>()
  for (const text of commands) {
    if (undoesBans) for (const [file] of text.matchAll(path)) files.add(`file ${file}`)
    else
      for (const { index, 0: sign } of text.matchAll(redirection)) {
        const start = index + sign.length
        path.lastIndex = 0
        const file = [...text.slice(start, start + 4096).matchAll(path)][0]
        if (file?.index === 0) files.add(`file ${file[0]}`)
      }
  }
  return [...files]
}
