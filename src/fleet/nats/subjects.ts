import type { NodeName } from '../word.js'

/** What everybody hears as it is said. No consumer in the broker: the same for ten nodes and a thousand. */
export const liveSubjects = ['bans.>', 'sight.>', 'ctl.>', 'hb.>'] as const

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

/**
 * What a node may say to the broker and hear from it, as NATS permissions; `{{name()}}` for the template of a role. It keeps honest
 * nodes from mistakes: a reply subject goes around it (fleet-research B.9), which is why everything is signed.
 */
export function nodePermissions(node: NodeName | '{{name()}}'): { publish: string[]; subscribe: string[] } {
  return {
    publish: [
      `bans.${node}.>`,
      `sight.*.${node}`,
      `hb.${node}`,
      `snap.${node}.>`,
      '$JS.API.INFO',
      '$JS.API.STREAM.INFO.*',
      '$JS.API.DIRECT.GET.*',
      '$JS.API.CONSUMER.CREATE.*',
      '$JS.API.CONSUMER.DELETE.*.*',
      '$JS.FC.>',
    ],
    subscribe: [...liveSubjects, `_I.${node}.>`],
  }
}
