/** What somebody may do at the broker. It is a first fence: what is believed, the signatures decide (fleet-research B.9). */
export interface Role {
  publish: readonly string[]
  subscribe: readonly string[]
}

/** Whatever a node asks comes back under here; the client's `inboxPrefix` is `_I.NAME`. */
export const inboxPrefix = '_I'

/**
 * The broker puts the user's name for `{{name()}}`: one signing key for each role enrols any number of nodes, and the broker's
 * configuration never changes.
 */
export const roles = {
  /** Any member: tells in its own name, hears everybody, reads what is kept. */
  node: {
    publish: [
      'bans.{{name()}}.>',
      'sight.*.{{name()}}',
      'hb.{{name()}}',
      '$JS.API.INFO',
      '$JS.API.STREAM.INFO.*',
      '$JS.API.DIRECT.GET.>',
      '$JS.API.CONSUMER.*.BANS',
      '$JS.API.CONSUMER.*.BANS.>',
      '$JS.API.CONSUMER.*.CTL',
      '$JS.API.CONSUMER.*.CTL.>',
      '$JS.API.CONSUMER.*.KV_SNAP',
      '$JS.API.CONSUMER.*.KV_SNAP.>',
      '$JS.API.CONSUMER.MSG.NEXT.>',
      '$JS.FC.>',
      '$JS.ACK.>',
    ],
    subscribe: ['bans.>', 'sight.>', 'ctl.>', 'head', `${inboxPrefix}.{{name()}}.>`],
  },
  /** The first machine: also makes the streams and snapshots, and passes on what the operator says. */
  hub: {
    publish: ['bans.{{name()}}.>', 'sight.*.{{name()}}', 'hb.{{name()}}', 'head', 'ctl.>', '$KV.SNAP.>', '$JS.>'],
    subscribe: ['bans.>', 'sight.>', 'ctl.>', 'head', 'hb.>', '$KV.SNAP.>', `${inboxPrefix}.{{name()}}.>`],
  },
} as const satisfies Record<string, Role>

export type RoleName = keyof typeof roles
