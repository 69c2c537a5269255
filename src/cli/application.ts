import { messageOf } from '../lib/error-message.js'
import { version } from '../lib/version.js'
import { buildApplication, buildCommand, buildRouteMap, proposeCompletions, run, text_en } from './commandline.js'
import { CommandFailure, type Context, exit } from './context.js'
import { drill, fleet } from './fleet-commands.js'
import { aliases, common, config, jail, maybe, one, value, yes } from './parameters.js'
import { token } from './token-commands.js'

const commands = {
  serve: buildCommand({
    loader: async () => (await import('./commands/serve.js')).serve,
    parameters: {
      flags: {
        config,
        simulate: yes('Decide and tell, but touch no firewall'),
        verbose: yes('Copy the log to the terminal'),
      },
      aliases: { ...aliases, v: 'verbose' },
    },
    docs: { brief: 'Run the daemon in the foreground' },
  }),
  status: buildCommand({
    loader: async () => (await import('./commands/status.js')).status,
    parameters: {
      flags: common,
      aliases,
      positional: { kind: 'tuple', parameters: [maybe('JAIL', 'Only this jail, in detail')] },
    },
    docs: { brief: 'Jails, counts, what is enforced' },
  }),
  ban: buildCommand({
    loader: async () => (await import('./commands/ban.js')).ban,
    parameters: {
      flags: {
        ...common,
        jail: { ...jail, brief: 'Jail to ban in (default: manual, which closes every port)' },
        for: {
          kind: 'parsed',
          parse: String,
          optional: true,
          placeholder: 'TIME',
          brief: "How long: 10m, 1h, 2d (default: the jail's bantime; manual: 1h)",
        },
        permanent: yes('For good'),
        force: yes('Even if the address is protected'),
        fleet: yes('Only if there is a fleet to tell'),
        confirm: value('TIME', 'Undone after this time unless it is confirmed: by Enter, or tocsin confirm'),
      },
      aliases: { ...aliases, j: 'jail' },
      positional: { kind: 'array', parameter: one('IP', 'Address or network'), minimum: 1 },
    },
    docs: { brief: 'Ban addresses or networks' },
  }),
  confirm: buildCommand({
    loader: async () => (await import('./commands/confirm.js')).confirm,
    parameters: {
      flags: common,
      aliases,
      positional: { kind: 'array', parameter: one('IP|NUMBER', 'What tocsin ban --confirm has said'), minimum: 1 },
    },
    docs: { brief: 'Keep bans that tocsin ban --confirm would undo' },
  }),
  protected: buildCommand({
    loader: async () => (await import('./commands/protected.js')).showProtected,
    parameters: { flags: common, aliases },
    docs: { brief: 'Who is never banned and why, who was refused, what is held back' },
  }),
  resume: buildCommand({
    loader: async () => (await import('./commands/resume.js')).resume,
    parameters: {
      flags: { ...common, for: value('TIME', 'How long its budget does not count (default: 1h)') },
      aliases,
      positional: { kind: 'tuple', parameters: [one('JAIL', 'A jail that holds back')] },
    },
    docs: { brief: 'Enforce what a jail holds back because it bans too much at once' },
  }),
  unban: buildCommand({
    loader: async () => (await import('./commands/unban.js')).unban,
    parameters: {
      flags: { ...common, all: yes('Lift every ban'), jail },
      aliases: { ...aliases, j: 'jail' },
      positional: { kind: 'array', parameter: one('IP', 'Address or network') },
    },
    docs: { brief: 'Lift bans, for good' },
  }),
  banned: buildCommand({
    loader: async () => (await import('./commands/banned.js')).banned,
    parameters: {
      flags: { ...common, jail },
      aliases: { ...aliases, j: 'jail' },
      positional: { kind: 'tuple', parameters: [maybe('IP', 'Only this address')] },
    },
    docs: { brief: 'List who is banned' },
  }),
  why: buildCommand({
    loader: async () => (await import('./commands/why.js')).why,
    parameters: {
      flags: common,
      aliases,
      positional: { kind: 'tuple', parameters: [one('IP', 'Address or network')] },
    },
    docs: { brief: 'Why an address is banned: lines, jail, since when, packets dropped' },
  }),
  audit: buildCommand({
    loader: async () => (await import('./commands/audit.js')).audit,
    parameters: { flags: { ...common, repair: yes('Also remove what nobody wants') }, aliases },
    docs: { brief: 'Compare the kernel with our bans, and put back what is missing' },
  }),
  metrics: buildCommand({
    loader: async () => (await import('./commands/metrics.js')).metrics,
    parameters: { flags: { config }, aliases },
    docs: { brief: "Print figures in Prometheus' format" },
  }),
  check: buildCommand({
    loader: async () => (await import('./commands/check.js')).check,
    parameters: { flags: { ...common, lint: yes('Also warn of dangerous or slow patterns') }, aliases },
    docs: { brief: 'Test the configuration: every error with file and line' },
  }),
  regex: buildCommand({
    loader: async () => (await import('./commands/regex.js')).regex,
    parameters: {
      flags: {
        ...common,
        datepattern: value('PATTERN', 'How dates are written'),
        timezone: value('ZONE', 'Time zone of dates that name none (UTC+0200)'),
        encoding: value('NAME', 'Encoding of the log'),
        usedns: value('MODE', 'yes, warn, no or raw'),
        maxlines: value('N', 'Lines that a pattern may span'),
        all: yes('Show every line, however many'),
        verbose: yes('Show patterns without a hit too'),
      },
      aliases: { ...aliases, d: 'datepattern', v: 'verbose' },
      positional: {
        kind: 'array',
        parameter: one('LOG|REGEX', 'A log file or line, then a jail, filter or regex'),
        minimum: 2,
      },
    },
    docs: { brief: 'Test log lines against a filter: what matched where, and how long it took' },
  }),
  drill,
  fleet,
  token,
  reload: buildCommand({
    loader: async () => (await import('./commands/lifecycle.js')).reload,
    parameters: { flags: common, aliases },
    docs: { brief: 'Apply the configuration as it now is; a wrong one changes nothing' },
  }),
  restart: buildCommand({
    loader: async () => (await import('./commands/lifecycle.js')).restart,
    parameters: { flags: common, aliases },
    docs: { brief: 'Start the daemon anew, bans stay in force meanwhile' },
  }),
  stop: buildCommand({
    loader: async () => (await import('./commands/lifecycle.js')).stop,
    parameters: { flags: common, aliases },
    docs: { brief: 'Stop the daemon and lift every ban until the next start' },
  }),
  version: buildCommand({
    loader: async () => (await import('./commands/version.js')).version,
    parameters: { flags: common, aliases },
    docs: { brief: "This program's version, and the running daemon's" },
  }),
  completions: buildCommand({
    loader: async () => (await import('./commands/completions.js')).completions,
    parameters: { positional: { kind: 'tuple', parameters: [one('SHELL', 'bash, zsh or fish')] } },
    docs: { brief: 'Print a completion script for a shell' },
  }),
}

const application = buildApplication<Context>(
  buildRouteMap({
    routes: commands,
    docs: {
      brief: 'tocsin: one bell rings, every gate closes',
      fullDescription:
        'A drop-in successor to Fail2ban. Exit codes: 0 it worked; 1 it did not (no daemon, not banned, refused); 2 the command line was not understood; 255 the configuration is wrong or the daemon cannot start.',
    },
  }),
  {
    name: 'tocsin',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { useAliasInUsageLine: true },
    localization: { text: { ...text_en, exceptionWhileRunningCommand: messageOf } },
    determineExitCode: (exception) => (exception instanceof CommandFailure ? exception.exitCode : exit.failed),
  },
)

/** Runs one command line; resolves to its exit code. */
export async function runCommandLine(argv: readonly string[], process: Context['process']): Promise<number> {
  await run(application, configLast(argv), { process })
  const code = Number(process.exitCode ?? 0)
  // Stricli's own codes for words it does not understand are negative.
  return code < 0 ? exit.usage : code
}

/** What could stand at the end of this unfinished command line. */
export async function proposals(words: readonly string[], process: Context['process']): Promise<string[]> {
  const proposed = await proposeCompletions(application, words, { process })
  return proposed.map((proposal) => proposal.completion)
}

/** `tocsin -c DIR status` is `tocsin status -c DIR`: people who come from Fail2ban put it in front. */
function configLast(argv: readonly string[]): readonly string[] {
  const [flag, dir, ...rest] = argv
  return (flag === '-c' || flag === '--config') && dir !== undefined && rest.length > 0 ? [...rest, flag, dir] : argv
}
