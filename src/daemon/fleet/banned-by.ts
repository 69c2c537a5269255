import type { QuorumVerdict } from '../../fleet/quorum/quorum.js'

const beginning = 'Banned by '

/** Whose words they were, and how many failures (or bans) each has told: `web1: 2, web7: 1`. */
export function textOf(evidence: QuorumVerdict['evidence']): string {
  return evidence.map(({ node, failures }) => `${node}: ${failures}`).join(', ')
}

/** The line that a fleet's jail keeps with a ban: `Banned by web1: 2, web7: 1`. */
export function bannedBy(evidence: QuorumVerdict['evidence']): string {
  return `${beginning}${textOf(evidence)}`
}

/** What such a line was made of; nothing: it is another line. */
export function evidenceIn(line: string): QuorumVerdict['evidence'] {
  if (!line.startsWith(beginning)) return []
  return line
    .slice(beginning.length)
    .split(', ')
    .map((text) => {
      const end = text.lastIndexOf(':')
      return { node: text.slice(0, end), failures: Number(text.slice(end + 1)) }
    })
}
