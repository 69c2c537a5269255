import { answersTo, liveSubjects } from './subjects.js'

/** What somebody may do at the broker. It is a first fence: what is believed, the signatures decide (fleet-research B.9). */
export interface Role {
  publish: readonly string[]
  subscribe: readonly string[]
}

const tells = [
  'bans.{{name()}}.>',
  'sight.*.{{name()}}',
  'hb.{{name()}}',
  'snap.{{name()}}.>',
  'call.{{name()}}',
  'answer.*.{{name()}}',
] as const
const hears = [...liveSubjects, answersTo('{{name()}}'), '_I.{{name()}}.>'] as const

/**
 * The broker puts the user's name for `{{name()}}`: one signing key for each role enrols any number of nodes, and the broker's
 * configuration never changes.
 */
export const roles = {
  /** Any member: tells in its own name, hears everybody, reads what is kept (nats/streams, nats/snapshot). */
  node: {
    publish: [
      ...tells,
      '$JS.API.INFO',
      '$JS.API.STREAM.INFO.*',
      '$JS.API.DIRECT.GET.*',
      '$JS.API.CONSUMER.CREATE.*',
      '$JS.API.CONSUMER.DELETE.*.*',
      '$JS.FC.>',
    ],
    subscribe: hears,
  },
  /** The machine where the fleet was made: also makes the streams, and passes on what the operator says. */
  hub: { publish: [...tells, 'head', 'ctl.>', '$JS.API.>', '$JS.FC.>'], subscribe: [...hears, 'head'] },
} as const satisfies Record<string, Role>

export type RoleName = keyof typeof roles
