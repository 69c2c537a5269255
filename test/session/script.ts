/**
 * A session with a server, line by line:
 *
 *     $ WORDS              a command of fail2ban-client; its text and exit code are compared
 *     $ WORDS <<< TEXT     the same, with this as its standard input; `\n` is a line end
 *     % WORDS              the same of fail2ban-server
 *     + FILE TEXT          a line for a log, with the time in front
 *     ? WORDS => TEXT      wait until the answer to the command has this text in it
 *     ! TEXT               wait until an action was asked to do this
 *     > FILE TEXT          write a file; `\n` is a line end
 *
 * Empty lines and lines with `#` are for the reader.
 */
export const script = String.raw`
# The server
$ ping
$ ping 5
$ ping soon
$ version
$ version and more
$ echo
$ echo one
$ echo "two words" and 'three more'
$ server-status
$ status
$ status web
$ status web basic
$ status web short
$ status web nosuch
$ status mail
$ status nosuch
$ sleep 0.01
$ nonsense
$ get
$ set
$ get web
$ set web
$ get nosuch
$ get nosuch maxretry
$ set nosuch maxretry 3
$ get web nosuch
$ set web nosuch 1
$ get web nosuch more
$ multi-set
$ multi-set web
$ multi-set nosuch addfailregex a

# Its settings
$ get loglevel
$ set loglevel DEBUG
$ get loglevel
$ set loglevel nosuch
$ set loglevel INFO
$ get logtarget
$ set logtarget DIR/second.log
$ get logtarget
$ set logtarget DIR/server.log
$ set logtarget DIR/no/such/place
$ get logtarget
$ get syslogsocket
$ set syslogsocket DIR/nosuch.sock
$ set syslogsocket auto
$ get dbfile
$ get dbmaxmatches
$ set dbmaxmatches 7
$ set dbmaxmatches many
$ get dbpurgeage
$ set dbpurgeage 2d
$ get dbpurgeage
$ set dbpurgeage 1d
$ get thread
$ flushlogs
$ config-error "A complaint"

# Options of a jail
$ get web maxretry
$ set web maxretry 4
$ set web maxretry 4 5
$ set web maxretry
$ set web maxretry few
$ get web maxretry
$ set web maxretry 3
$ get web findtime
$ set web findtime 20m
$ set web findtime 1h 5m
$ get web findtime
$ set web findtime 600
$ get web bantime
$ set web bantime 1h
$ get web bantime
$ set web bantime -1
$ set web bantime 10m
$ get web maxmatches
$ set web maxmatches 5
$ get web maxlines
$ set web maxlines 3
$ get web maxlines
$ set web maxlines 0
$ set web maxlines 1
$ get web usedns
$ set web usedns warn
$ get web usedns
$ set web usedns nosuch
$ set web usedns no
$ get web ignoreself
$ set web ignoreself true
$ get web ignoreself
$ set web ignoreself false
$ get web ignorecommand
$ set web ignorecommand /bin/false
$ get web ignorecommand
$ set web ignorecommand ""
$ get web ignorecommand
$ get web ignorecache
$ get web logencoding
$ set web logencoding ascii
$ get web logencoding
$ set web logencoding UTF-8
$ set web logencoding nosuch
$ get web logencoding
$ get web prefregex
$ set web prefregex "^<F-CONTENT>.*</F-CONTENT>$"
$ get web prefregex
$ set web prefregex ""
$ get web logtimezone
$ set web logtimezone UTC+0100
$ get web logtimezone
$ set web idle on
$ get web idle
$ set web idle off
$ set web idle maybe

# Increasing ban times
$ get web bantime.increment
$ set web bantime.increment true
$ get web bantime.increment
$ get web bantime.factor
$ set web bantime.factor 2
$ get web bantime.factor
$ get web bantime.multipliers
$ set web bantime.multipliers "1 2 4"
$ get web bantime.multipliers
$ set web bantime.maxtime 1d
$ get web bantime.maxtime
$ set web bantime.rndtime 30
$ get web bantime.rndtime
$ set web bantime.overalljails true
$ get web bantime.overalljails
$ get web bantime.nosuch
$ set web bantime.increment false

# Who is ignored
$ get web ignoreip
$ set web addignoreip 192.0.2.44
$ set web addignoreip 192.0.2.45 198.51.100.0/28
$ set web addignoreip 192.0.2.44
$ get web ignoreip
$ set web delignoreip 192.0.2.45
$ set web delignoreip 192.0.2.99
$ set web delignoreip 198.51.100.0/28
$ set web delignoreip 192.0.2.44
$ get web ignoreip
$ get mail ignoreip

# Patterns
$ get web failregex
$ set web addfailregex "^\s*denied <HOST>$"
$ set web addfailregex "^\s*denied without address$"
$ set web addfailregex "^broken ( <HOST>$"
$ set web delfailregex 2
$ set web delfailregex 99
$ set web delfailregex first
$ get web failregex
$ get web ignoreregex
$ set web addignoreregex "^\s*denied .* politely$"
$ get web ignoreregex
$ set web delignoreregex 1
$ set web delignoreregex 7
$ get web ignoreregex
$ get web datepattern
$ set web datepattern "^%d/%b/%Y %H:%M"
$ get web datepattern
$ set web datepattern EPOCH
$ get web datepattern
$ set web datepattern "{^LN-BEG}"
$ get web datepattern
$ set web datepattern "^%Y-%m-%d %H:%M:%S"
$ get web journalmatch
$ set web addjournalmatch _SYSTEMD_UNIT=x.service
$ set web deljournalmatch _SYSTEMD_UNIT=x.service

# Log files
$ get web logpath
$ set web addlogpath DIR/other.log
$ set web addlogpath DIR/spare.log tail
$ set web addlogpath DIR/nosuch.log
$ set web addlogpath DIR/other.log sideways
$ get web logpath
$ set web dellogpath DIR/nosuch.log
$ set web dellogpath DIR/spare.log
$ set web dellogpath DIR/other.log
$ get web logpath
$ get mail logpath

# Bans by hand
$ banned
$ get web banned
$ get web banip
$ set web banip 203.0.113.5
! once ban web 203.0.113.5
$ set web banip 203.0.113.5
$ set web banip 203.0.113.6 203.0.113.7 2001:db8::7
! once ban web 2001:db8::7
$ set web banip 198.51.100.0/24
! once ban web 198.51.100.0/24
$ set web banip
$ set nosuch banip 203.0.113.5
$ set mail banip 203.0.113.5
! twice ban mail 203.0.113.5
$ status
$ status web
$ get web banned
$ get web banned 203.0.113.5
$ get web banned 203.0.113.99
$ get web banned 203.0.113.5 203.0.113.99 2001:db8::7
$ get web banip
$ get web banip ,
$ get web banip ", "
$ get web banip --with-time
$ banned
$ banned 203.0.113.5
$ banned 203.0.113.5 203.0.113.6 203.0.113.99
$ set web unbanip 203.0.113.99
$ set web unbanip --report-absent 203.0.113.99
$ set web unbanip --report-absent 203.0.113.98 203.0.113.99
$ set web unbanip --report-absent 203.0.113.6
! once unban web 203.0.113.6
$ set web unbanip 203.0.113.5 203.0.113.7 203.0.113.99
! once unban web 203.0.113.7
$ get web banned
$ set web banip 203.0.113.21 203.0.113.22
! once ban web 203.0.113.22
$ set web unbanip 203.0.113.16/28
! once unban web 203.0.113.22
$ get web banned
$ set web unbanip
$ unban 203.0.113.5
! twice unban mail 203.0.113.5
$ unban 203.0.113.5
$ unban 203.0.113.99 2001:db8::7
! once unban web 2001:db8::7
$ unban
$ set web banip 203.0.113.31
$ set mail banip 203.0.113.31 203.0.113.32
! twice ban mail 203.0.113.32
$ unban --all
! once unban web 203.0.113.31
! twice unban mail 203.0.113.32
$ banned
$ status mail

# Failures by hand
$ set web attempt 203.0.113.41
$ set web attempt 203.0.113.41 "a line" "another line"
! once ban web 203.0.113.41
$ set web attempt 203.0.113.42 x
$ set web attempt
$ status mail
$ set mail attempt 203.0.113.43
? status mail => Currently failed:	1
$ status mail

# Failures in the logs
+ mail1.log refused 203.0.113.51
+ mail1.log refused 203.0.113.51
+ mail2.log rejected 203.0.113.51 as root
! twice ban mail 203.0.113.51
+ mail1.log refused 192.0.2.9
+ mail1.log refused 192.0.2.9
+ mail1.log refused 192.0.2.9
+ mail1.log refused 203.0.113.52 kindly
+ mail1.log refused 203.0.113.53
? status mail => Total failed:	5
$ status mail
$ get mail banip
$ banned 203.0.113.51
$ set mail unbanip 203.0.113.51
! twice unban mail 203.0.113.51

# Actions
$ get web actions
$ get mail actions
$ get nosuch actions
$ get mail actionproperties record
$ get mail actionmethods record
$ get mail actionproperties nosuch
$ get mail action record actionban
$ get mail action record actioncheck
$ get mail action record timeout
$ get mail action record name
$ get mail action record nosuch
$ get mail action nosuch actionban
$ set mail action record timeout 30
$ set mail action record actionunban 'echo "changed unban <name> <ip>" >> DIR/actions.txt'
$ get mail action record actionunban
$ set mail action record ownproperty 17
$ get mail action record ownproperty
$ set mail addaction third
$ set mail action third actionban 'echo "third ban <ip>" >> DIR/actions.txt'
$ set mail action third actionunban 'echo "third unban <ip>" >> DIR/actions.txt'
$ set mail addaction third
$ get mail actions
$ set mail banip 203.0.113.61
! third ban 203.0.113.61
$ set mail unbanip 203.0.113.61
! third unban 203.0.113.61
$ set mail delaction third
$ set mail delaction nosuch
$ get mail actions

# Jails come and go
$ add web polling
$ add extra polling
$ add
$ status
$ status extra
$ set extra addlogpath DIR/other.log
$ set extra addfailregex "^\s*denied <HOST>$"
$ set extra maxretry 2
$ get extra maxretry
$ start extra
$ start nosuch
+ other.log denied 203.0.113.71
+ other.log denied 203.0.113.71
? get extra banned => 203.0.113.71
$ status extra
$ stop extra
$ status extra
$ stop nosuch
$ add odd nosuchbackend
$ status
$ set mail banip 203.0.113.72
! twice ban mail 203.0.113.72
$ stop mail
! twice stop mail
$ status
$ start mail

# Reload
$ set web banip 203.0.113.81
! once ban web 203.0.113.81
$ reload
$ status
$ get web maxretry
$ get web banned
> config/jail.local [web]\nmaxretry = 6\nbantime = 20m\n[spare]\nenabled = true\n
$ reload
$ status
$ get web maxretry
$ get web bantime
$ get web banned
$ status spare
$ reload web
$ reload nosuch
$ reload --if-exists nosuch
$ reload one two
$ reload --unban web
! once unban web 203.0.113.81
$ get web banned
$ set web banip 203.0.113.82
! once ban web 203.0.113.82
$ reload --restart web
! once stop web
? get web banip => 203.0.113.82
$ get web banned
$ restart --unban web
$ get web banned
$ reload --all
> config/jail.local [web]\nfilter = nosuch\n
$ reload web
$ status web
> config/jail.local [web]\nenabled = %(nosuch)s\n
$ reload
$ status web
$ -t ping
> config/jail.local \n
$ reload
$ status
$ -t ping
$ -t
$ -d nonsense
$ -v -q status
$ -q status nosuch
$ --timeout 3s status
$ --sock DIR/nosuch.sock ping

# Line by line
$ -i <<< ping\nstatus\n\nstatus nosuch\nexit\nping
$ -i <<< echo "a b" 'c'\necho "open\nnonsense\n   ping   \nset web maxretry 7\nget web maxretry\nquit
$ -i <<< ping
$ -i status <<< ping\nexit\n
$ -i status nosuch <<< ping\nexit\n
$ -i <<< exit now\nQUIT\nset web banip 203.0.113.5\nget web banip\nunban --all\nexit\n
$ -i <<< reload\nreload nosuch\nstatus web\nexit\n

# The end
$ unban --all
$ status
$ stop --all
$ status
$ stop
$ ping
$ status
$ stop
$ reload
$ reload web
`

/** How a server comes and goes, by programs that are really started. */
export const lifecycle = String.raw`
$ ping
$ start
$ start
$ -x start
% start
$ status
% status web
$ reload
$ set web banip 203.0.113.5
! once ban web 203.0.113.5
$ restart
$ status
? get web banip => 203.0.113.5
$ restart --unban
$ get web banned
> config/fail2ban.local [DEFAULT]\nloglevel = DEBUG\nlogtarget = DIR/other-server.log\ndbpurgeage = 2d\n
$ reload
$ get loglevel
$ get logtarget
$ get dbpurgeage
> config/fail2ban.local \n
$ reload
$ get loglevel
$ stop
$ ping
$ stop
$ restart
$ ping
$ stop

# A socket that is left over
> f2b.sock nobody listens
$ echo stale
$ start
$ -x start
$ ping
$ stop

# A wrong configuration
> config/jail.local [web]\nenabled = %(nosuch)s\n
$ start
% start
$ ping
> config/jail.local [web]\nfilter = nosuch\n
$ start
$ status
$ stop
> config/jail.local [DEFAULT]\nfilter = nosuch\n
$ start
$ ping
> config/jail.local \n

# What is given on the command line wins
$ --loglevel DEBUG --logtarget DIR/given.log start
$ get loglevel
$ get logtarget
$ reload
$ get logtarget anew
$ stop
$ --loglevel nosuch start
$ -s DIR/other.sock -p DIR/other.pid start
$ ping
$ -s DIR/other.sock ping
$ -s DIR/other.sock stop
$ -s DIR/other.sock ping

# The server by its own program
%
% start
% ping
% stop
% -b start
$ ping
$ stop
$ -i
`

/** What operators mistype, and what is at the edges of what can be said. */
export const oddities = String.raw`
# Who
$ set web banip 999.9.9.9
$ set web banip not-an-address
$ set web banip ""
$ get web banned
$ unban --all
$ set web banip ::ffff:203.0.113.8
! once ban web 203.0.113.8
$ set web banip 2001:DB8:0:0:0:0:0:8
! once ban web 2001:db8::8
$ set web banip 203.0.113.9/32
$ set web banip 198.51.100.77/24
! once ban web 198.51.100.0/24
$ get web banned
$ get web banned 198.51.100.5
$ get web banned 198.51.100.0/24
$ get web banned 198.51.100.99/24
$ get web banned ::ffff:203.0.113.8
$ banned 198.51.100.5 2001:db8:0::8
$ set web unbanip 2001:db8::8
! once unban web 2001:db8::8
$ set web unbanip 203.0.113.0/24
$ get web banned
$ set web unbanip --report-absent 198.51.100.5
$ set web unbanip 198.51.100.0/24
! once unban web 198.51.100.0/24
$ set web unbanip --report-absent
$ set web unbanip not-an-address
$ get web banned
$ unban --all more
$ unban --nosuch
$ banned ""
$ set web attempt 203.0.113.0/24 x
$ set web attempt not-an-address x
$ status mail
$ unban --all

# How much
$ set web maxretry -1
$ set web maxretry 1.5
$ set web maxretry 3
$ set web bantime soon
$ set web bantime 1d12h
$ set web bantime 1.5h
$ get web bantime
$ set web bantime 600
$ set web findtime never
$ set web findtime 0
$ set web findtime -5
$ set web findtime 600
$ set web maxmatches -1
$ set web maxmatches none
$ set web maxmatches 5
$ set web maxlines two
$ set dbpurgeage soon
$ get dbpurgeage
$ set dbmaxmatches 10
$ set loglevel 7
$ set loglevel 15
$ set loglevel info
$ get loglevel
$ set loglevel INFO extra
$ set loglevel
$ get loglevel extra
$ sleep soon
$ sleep
$ ping -1

# Patterns
$ set web addfailregex "^\s*<F-USER>\S+</F-USER> from <ADDR>$" 
$ set web addfailregex "^\s*<F-ID>\w+</F-ID> seen$"
$ set web addfailregex "^\s*\w+ <SUBNET>$"
$ set web addfailregex "<HOST"
$ set web addfailregex ""
$ set web addfailregex "[" 
$ set web addfailregex "(?P<host>\S+) a{2,1}"
$ set web addignoreregex "("
$ set web addignoreregex ""
$ set web delfailregex -1
$ get web failregex
$ set web delignoreregex -1
$ get web ignoreregex
$ set web prefregex "("
$ set web prefregex "^no content"
$ get web prefregex
$ set web datepattern "no date in it"
$ set web datepattern ""
$ get web datepattern
$ set web datepattern "{DEFAULT}"
$ get web datepattern
$ set web datepattern "{^LN-BEG}%H:%M:%S"
$ get web datepattern
$ set web datepattern "^%Y-%m-%d %H:%M:%S"
$ set web logtimezone nosuch
$ set web logtimezone UTC
$ get web logtimezone
$ set web usedns yes
$ set web usedns RAW
$ get web usedns
$ set web usedns no
$ set web ignorecache 'key="<ip>", max-count=10, max-time=5m'
$ get web ignorecache
$ set web ignorecache nonsense
$ set web ignorecache ""
$ get web ignorecache
$ set web ignorecommand "/bin/echo one 'two three' <ip>"
$ get web ignorecommand
$ set web ignoreself maybe
$ set web ignoreself yes
$ set web ignoreself 0
$ get web ignoreself
$ set web addignoreip not.an.address.invalid
$ set web addignoreip 10.0.0.0/255.0.0.0
$ set web addignoreip ::ffff:192.0.2.77
$ get web ignoreip
$ set web delignoreip 10.0.0.0/8
$ get web ignoreip
$ set web delignoreip
$ set web addignoreip
$ set web logencoding auto
$ set web logencoding latin-1
$ get web logencoding
$ set web logencoding utf-8
$ set web addlogpath DIR
$ set web addlogpath relative.log
$ set web addlogpath "DIR/a *.log"
$ set web addlogpath
$ set web dellogpath
$ get web logpath
$ get web logpath extra

# Increasing ban times
$ set web bantime.increment maybe
$ get web bantime.increment
$ set web bantime.formula "ban.Time * 2"
$ get web bantime.formula
$ set web bantime.maxtime soon
$ set web bantime.rndtime 1h
$ get web bantime.rndtime
$ set web bantime.nosuch 1
$ set web bantime.increment false

# Actions
$ set web action record actionban
$ set web action record
$ set web action
$ set web action record timeout soon
$ get web action record timeout
$ set web action record timeout 45
$ set web action record "odd name" "odd 'value' "here""
$ get web action record "odd name"
$ get web action record
$ get web action
$ get web actions extra
$ get web actionproperties
$ set web addaction
$ set web addaction record
$ set web addaction other DIR/nosuch.py "{}"
$ set web delaction
$ get web actions
$ set web action record actionban 'echo "line one\nline two <ip>" >> DIR/actions.txt; echo "odd ban <ip>" >> DIR/actions.txt'
$ set web banip 203.0.113.91
! odd ban 203.0.113.91
$ set web action record actionban 'exit 3'
$ set web banip 203.0.113.92
$ get web banned
$ set web action record actionunban 'exit 3'
$ set web unbanip 203.0.113.92
$ get web banned
$ unban --all

# Words
$ echo "ä € 😀" "tab	here" 'quote" and \back'
$ echo ""
$ set web addignoreregex "ä€ 'x' "y" \\z"
$ get web ignoreregex
$ status ""
$ status web ""
$ status "ä"
$ status web basic extra
$ start
$ start web
$ add "odd jail" polling
$ add web
$ add ext polling extra
$ status ext
$ stop ext
$ stop "odd jail"
$ stop nosuch extra
$ flushlogs now
$ config-error
$ version
$ set
$ set thread
$ set allowipv6 yes
$ get allowipv6
$ set nosuch 1
$ get dbnosuch
$ set dbfile
$ set web
$ set web idle
$ set web maxretry "3 "
$ get web maxretry
$ server-stream
$ set web bantime.factor two
$ set web bantime.multipliers "1 two"
$ reload --restart --unban
$ status
`
