/** How `fail2ban-regex` is called. */
export const usage = 'Usage: fail2ban-regex [OPTIONS] <LOG> <REGEX> [IGNOREREGEX]'

export const help = `${usage}

Tests log lines against a filter or a regular expression, and changes nothing.

LOG:
  file                  a log file
  text                  one or more log lines
  systemd-journal       the systemd journal; with options if wanted:
                        systemd-journal[journalpath=/srv/journal]

REGEX:
  jail or filter        its name, with options if wanted: sshd[mode=aggressive]
  file                  a filter file: filter.d/sshd.conf, /tmp/mine.conf
  text                  a failregex

IGNOREREGEX:
  text                  an ignoreregex, in place of the filter's own

Options:
  --version             print the version
  -V                    print the version in short form
  -h, --help            print this
  -c DIR, --config=DIR  configuration directory (/etc/fail2ban)
  -d PATTERN, --datepattern=PATTERN
                        how dates are written
  --timezone=ZONE, --TZ=ZONE
                        time zone of dates that name none (UTC+0200)
  -e NAME, --encoding=NAME
                        encoding of the log (that of the locale)
  -r, --raw             take host names as they are, do not look them up
  --usedns=MODE         yes, warn, no or raw, as the option of a jail
  -L N, --maxlines=N    lines that a pattern may span
  -m MATCH, --journalmatch=MATCH
                        which entries of the journal
  -l LEVEL, --log-level=LEVEL
                        accepted; nothing is logged
  -v, --verbose         list every pattern, every hit
  --verbosity=N         the same as N times -v
  --verbose-date, --VD  show the regular expressions of dates
  -D, --debuggex        print addresses of debuggex.com for lines
  --no-check-all        stop at the first pattern that matches
  -o TOKEN, --out=TOKEN print failures only: id, ip, msg, row, the name of a
                        field, or a text with tags: '<ip> <F-USER> <time> <msg>'
  --print-no-missed     do not print lines that were missed
  --print-no-ignored    do not print lines that were ignored
  --print-all-matched   print all lines that matched
  --print-all-missed    print all lines that were missed, however many
  --print-all-ignored   print all lines that were ignored, however many
  -t, --log-traceback   accepted, without effect
  --full-traceback      accepted, without effect
`
