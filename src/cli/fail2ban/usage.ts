import { fail2banLevel, version } from '../../lib/version.js'
import { columns } from './columns.js'
import { commandHelp } from './command-help.js'

/** Two lines about the program: the head of `--help`, and what `-i` begins with. */
export const greeting = `tocsin ${version}, in place of Fail2Ban v${fail2banLevel}: reads logs for password failures and the like,
and bans the addresses that they come from.`

const options: readonly (readonly [string, string])[] = [
  ['-c, --conf <DIR>', 'configuration directory (default: /etc/fail2ban)'],
  ['-s, --socket <FILE>', "the server's socket"],
  ['-p, --pidfile <FILE>', "the server's pid file"],
  ['--pname <NAME>', "the server's name in the list of processes (default: fail2ban-server)"],
  ['--loglevel <LEVEL>', 'how much the server logs'],
  ['--logtarget <TARGET>', 'where it logs to: a file, STDOUT, STDERR, SYSLOG, SYSTEMD-JOURNAL'],
  ['--syslogsocket auto|<FILE>', 'the socket of syslog'],
  ['-d', 'print the configuration as the commands it stands for'],
  ['--dp, --dump-pretty', 'the same, long lines broken'],
  ['-t, --test', 'test the configuration; before a command: carry it out only if the test is passed'],
  ['-i', 'take commands line by line'],
  ['-v', 'say more; may be repeated'],
  ['-q', 'say less'],
  ['-x', 'at a start, remove a socket that nobody answers on'],
  ['-b', 'start the server in the background (default)'],
  ['-f', 'start the server in the foreground'],
  ['--async', 'for a start by another program: the configuration has been read'],
  ['--timeout <TIME>', 'how long a start may take (default: 30s)'],
  ['--str2sec <TIME>', 'print the seconds in a time such as "1d 12h"'],
  ['-h, --help', 'this text'],
  ['-V, --version', 'the version; -V without words'],
]

/** `--help`. Only the client takes commands by profession; the server passes them on. */
export function usage(program: string): string {
  const isServer = program.endsWith('server')
  const head = [`Usage: ${program} [OPTIONS]${isServer ? '' : ' <COMMAND>'}`, '', greeting, '', 'Options:']
  const body = [...head, ...columns(options, 28)]
  return (isServer ? body : [...body, '', 'Command:', ...commandHelp()]).join('\n')
}
