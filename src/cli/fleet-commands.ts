import { buildCommand, buildRouteMap } from './commandline.js'
import { aliases, common, maybe, one, value, yes } from './parameters.js'

/** Of a command that changes something: a script may say so to each of them. */
const changing = { ...common, yes: yes('Ask nothing; nothing is asked yet') } as const

/** Both `tocsin drill` and `tocsin fleet drill`. */
export const drill = buildCommand({
  loader: async () => (await import('./commands/fleet/drill.js')).drill,
  parameters: {
    flags: { ...changing, for: value('TIME', 'How long the address stays banned: 1s to 60s (default: 10s)') },
    aliases,
  },
  docs: { brief: 'Ban an address of nobody on every machine of the fleet, and show after how many ms' },
})

export const fleet = buildRouteMap({
  routes: {
    init: buildCommand({
      loader: async () => (await import('./commands/fleet/init.js')).init,
      parameters: {
        flags: {
          ...changing,
          listen: value('ADDR:PORT', 'Where the broker listens (default 0.0.0.0:4722); machines join at the next port'),
          address: value('HOST', 'Where the other machines find this one (default: its first address)'),
          nats: value('URL', 'A broker that others run: tls://HOST:PORT; of a cluster several, by commas'),
          file: value('PATH', 'No broker: a file that all machines share'),
          name: value('NAME', "This machine's name in the fleet (default: its host name)"),
          fleet: value('NAME', "The fleet's name (default: made up)"),
        },
        aliases,
      },
      docs: { brief: 'Make a fleet: keys, certificates, the broker' },
    }),
    invite: buildCommand({
      loader: async () => (await import('./commands/fleet/invite.js')).invite,
      parameters: {
        flags: {
          ...changing,
          level: value('LEVEL', 'How far it is believed: operator, own (default), partner, feed or anonymous'),
        },
        aliases,
        positional: { kind: 'tuple', parameters: [one('NAME', 'How the new machine is called')] },
      },
      docs: { brief: 'Print a token that lets one machine join, within an hour' },
    }),
    join: buildCommand({
      loader: async () => (await import('./commands/fleet/join.js')).join,
      parameters: {
        flags: changing,
        aliases,
        positional: { kind: 'tuple', parameters: [one('TOKEN', 'What invite has printed; -: from standard input')] },
      },
      docs: { brief: 'Make this machine a member' },
    }),
    revoke: buildCommand({
      loader: async () => (await import('./commands/fleet/revoke.js')).revoke,
      parameters: { flags: changing, aliases, positional: { kind: 'tuple', parameters: [one('NAME', 'A member')] } },
      docs: { brief: 'Put a machine out of the fleet' },
    }),
    members: buildCommand({
      loader: async () => (await import('./commands/fleet/members.js')).members,
      parameters: { flags: common, aliases },
      docs: { brief: 'List who belongs to the fleet' },
    }),
    status: buildCommand({
      loader: async () => (await import('./commands/fleet/status.js')).status,
      parameters: { flags: { ...common, watch: yes('Again each second, until Ctrl-C') }, aliases },
      docs: { brief: 'The fleet as this machine knows it: connection, members, who is in quarantine' },
    }),
    drill,
    log: buildCommand({
      loader: async () => (await import('./commands/fleet/log.js')).log,
      parameters: {
        flags: {
          ...common,
          node: value('NAME', 'Only what this member has told'),
          refused: yes('Only what was refused or has no effect'),
          lines: value('N', 'The newest so many (default 50)'),
        },
        aliases: { ...aliases, n: 'lines' },
      },
      docs: { brief: 'What others have told this machine, and what became of it' },
    }),
    release: buildCommand({
      loader: async () => (await import('./commands/fleet/release.js')).release,
      parameters: { flags: changing, aliases, positional: { kind: 'tuple', parameters: [one('NAME', 'A member')] } },
      docs: { brief: 'End the quarantine of a member on this machine' },
    }),
    mode: buildCommand({
      loader: async () => (await import('./commands/fleet/mode.js')).mode,
      parameters: {
        flags: { ...changing, here: yes('For this machine alone') },
        aliases,
        positional: {
          kind: 'tuple',
          parameters: [maybe('MODE', 'off, simulate or enforce; without it the mode is shown')],
        },
      },
      docs: {
        brief:
          "The kill switch: what others tell is enforced, only simulated, or has no effect; where the operator's key is",
      },
    }),
    unban: buildCommand({
      loader: async () => (await import('./commands/fleet/unban.js')).unban,
      parameters: {
        flags: changing,
        aliases,
        positional: { kind: 'tuple', parameters: [one('IP', 'Address or network')] },
      },
      docs: { brief: "Lift all bans of an address on all machines; where the operator's key is" },
    }),
  },
  docs: {
    brief: 'Let machines share their bans: init, invite, join, revoke, status, mode, drill, log, release, unban',
  },
})
