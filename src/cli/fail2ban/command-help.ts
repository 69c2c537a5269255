import { columns } from './columns.js'

type Entry = readonly [command: string, meaning: string]

/** The commands of `fail2ban-client` (spec 7.3), in groups. */
const groups: readonly (readonly [title: string, entries: readonly Entry[]])[] = [
  [
    'SERVER',
    [
      ['start', 'start the server and its jails'],
      ['restart', 'stop it, then start it; nothing happens while the configuration is wrong'],
      ['stop', 'lift all bans and end the server'],
      [
        'reload [--restart] [--unban] [--all]',
        'apply the configuration as it now is; --restart: start jails anew, --unban: lift bans',
      ],
      ['reload [--restart] [--unban] [--if-exists] <JAIL>', 'the same for one jail'],
      ['restart [--unban] [--if-exists] <JAIL>', 'the same as reload --restart'],
      ['status [--all [FLAVOR]]', 'the jails; with --all what each has counted and banned'],
      ['stats', 'a table of all jails'],
      ['banned [<IP> ...]', 'banned addresses of each jail; or the jails in which these are banned'],
      ['unban --all | <IP> ...', 'lift bans in all jails, and forget them'],
      ['ping [<TIMEOUT>]', 'whether the server answers'],
      ['echo <TEXT> ...', 'the server answers with the text'],
      ['version', "the server's version"],
      ['help', 'this list (interactive mode)'],
    ],
  ],
  [
    'LOG',
    [
      ['get loglevel', 'how much is logged'],
      ['set loglevel <LEVEL>', 'CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG, TRACEDEBUG, HEAVYDEBUG, or 50 to 5'],
      ['get logtarget', 'where it is logged to'],
      ['set logtarget <TARGET>', 'a file, STDOUT, STDERR, SYSLOG, SYSTEMD-JOURNAL'],
      ['get syslogsocket', 'the socket of syslog'],
      ['set syslogsocket auto|<SOCKET>', 'used when the target is SYSLOG'],
      ['flushlogs', 'open the log file anew, after a rotation'],
    ],
  ],
  [
    'DATABASE',
    [
      ['get dbfile', 'the file that bans are kept in'],
      ['set dbfile <FILE>|None', 'another one, or none'],
      ['get dbmaxmatches', 'how many lines are kept with a ban'],
      ['set dbmaxmatches <NUMBER>', ''],
      ['get dbpurgeage', 'how long bans are kept, in seconds'],
      ['set dbpurgeage <SECONDS>', ''],
    ],
  ],
  [
    'JAILS',
    [
      ['status <JAIL> [<FLAVOR>]', 'what it has counted and banned; flavor: basic, short, stats, cymru'],
      ['add <JAIL> <BACKEND>', 'a new jail, not started yet'],
      ['start <JAIL>', ''],
      ['stop <JAIL>', 'lift its bans and remove it'],
      ['set <JAIL> banip <IP> ...', 'ban'],
      [
        'set <JAIL> unbanip [--report-absent] <IP> ...',
        'lift bans; --report-absent: complain of addresses that are not banned',
      ],
      ['set <JAIL> attempt <IP> [<LINE> ...]', 'count failures'],
      ['get <JAIL> banip [<SEPARATOR>|--with-time]', 'banned addresses, those that are free first in front'],
      ['get <JAIL> banned [<IP> ...]', 'banned addresses as a list; or 1 for each of these that is banned, else 0'],
    ],
  ],
  [
    'OPTIONS OF A JAIL',
    [
      [
        'get <JAIL> <OPTION>',
        'maxretry, findtime, bantime, bantime.increment …, maxmatches, maxlines, usedns, ignoreself, ignorecommand, ignorecache, logencoding, datepattern, prefregex, idle',
      ],
      ['set <JAIL> <OPTION> <VALUE>', 'the same options; idle takes on or off'],
      ['get <JAIL> ignoreip', 'who is ignored'],
      ['set <JAIL> addignoreip|delignoreip <IP>', ''],
      ['get <JAIL> logpath', 'the files it follows'],
      ['set <JAIL> addlogpath <FILE> [tail]', 'follow a file from its beginning, or from its end'],
      ['set <JAIL> dellogpath <FILE>', ''],
      ['get <JAIL> journalmatch', 'what it follows of the journal'],
      ['set <JAIL> addjournalmatch|deljournalmatch <MATCH>', ''],
      ['get <JAIL> failregex|ignoreregex', 'its patterns, numbered'],
      ['set <JAIL> addfailregex|addignoreregex <REGEX>', ''],
      ['set <JAIL> delfailregex|delignoreregex <NUMBER>', ''],
    ],
  ],
  [
    'ACTIONS OF A JAIL',
    [
      ['get <JAIL> actions', 'their names'],
      ['set <JAIL> addaction <ACTION> [<PYTHONFILE> <JSON>]', ''],
      ['set <JAIL> delaction <ACTION>', 'lift its bans and remove it'],
      ['get <JAIL> actionproperties|actionmethods <ACTION>', 'what can be got and set'],
      [
        'get <JAIL> action <ACTION> <PROPERTY>',
        'actionstart, actionstop, actioncheck, actionban, actionunban, timeout, …',
      ],
      ['set <JAIL> action <ACTION> <PROPERTY> <VALUE>', ''],
    ],
  ],
]

/** The lines of the list of commands. */
export function commandHelp(): string[] {
  return groups.flatMap(([title, entries], at) => [
    ...(at === 0 ? [] : ['']),
    `    ${title}`,
    ...columns(entries, 44).map((line) => line.trimEnd()),
  ])
}
