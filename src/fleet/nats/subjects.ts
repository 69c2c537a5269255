import type { NodeName } from '../word.js'

/** What everybody hears as it is said. No consumer in the broker: the same for ten nodes and a thousand. */
export const liveSubjects = ['bans.>', 'sight.>', 'ctl.>', 'hb.>', 'call.*'] as const

/** What others answer to this node. */
export function answersTo(node: NodeName): string {
  return `answer.${node}.*`
}

/** Where the answers to a node come: nobody else may listen there. */
export function inboxOf(node: NodeName): string {
  return `_I.${node}`
}

/** `snap.<node>.<a|b>.<00000>`: part of what a node says in all, under its own signature. Two sets: one is whole while the other is written. */
export function snapshotSubject(node: NodeName, set: 'a' | 'b', part: number): string {
  return `snap.${node}.${set}.${String(part).padStart(5, '0')}`
}

export function heartbeatSubject(node: NodeName): string {
  return `hb.${node}`
}
