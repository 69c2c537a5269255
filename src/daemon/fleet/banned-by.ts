import type { QuorumVerdict } from '../../fleet/quorum/quorum.js'
import type { NodeName } from '../../fleet/word.js'

const beginning = 'Banned by '

/** Whose words they were, and how many failures (or bans) each has told: `web1: 2, web7: 1`. */
export function textOf(evidence: QuorumVerdict['evidence']): string {
  return evidence.map(({ node, failures }) => `${node}: ${failures}`).join(', ')
}

/** The line that a fleet's jail keeps with a ban: `Banned by web1: 2, web7: 1`. */
export function bannedBy(evidence: QuorumVerdict['evidence']): string {
  return `${beginning}${textOf(evidence)}`
}

/** Those whom such a line names; none: it is another line. */
export function namesIn(line: string): NodeName[] {
  if (!line.startsWith(beginning)) return []
  return line
    .slice(beginning.length)
    .split(', ')
    .map((text) => text.slice(0, text.lastIndexOf(':')))
}
