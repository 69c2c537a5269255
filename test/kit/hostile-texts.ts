/** Whoever hostile lines try to have banned: in short form, and in the longest that an address has. */
export const victims = ['203.0.113.66', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff'] as const

/** A text of the attacker's choice in a line. */
export interface Field {
  name: string
  /** Finds it: the group `it`. */
  at: RegExp
  /** How many characters of it the server takes. */
  charactersMax: number
  /** How the server writes what it was sent. */
  write: (text: string) => string
}

/** Whoever writes a line stops after so many characters. */
interface Limit {
  name: string
  /** The line as it is under this limit before it is cut, and where the cut is. */
  cut: (line: string) => { line: string; end: number } | undefined
}

export interface Server {
  fields: readonly Field[]
  limits: readonly Limit[]
}

/** What an attacker can write into the lines of each filter, and how it arrives there. Names of users that exist are not his choice. */
export const servers: Readonly<Record<string, Server>> = {
  // sshd writes through vis(3), so a line feed becomes \n and a byte that is not ASCII \ooo; what its unprivileged part says (" [preauth]") passes twice.
  // It takes 100 characters of a name (200 in "Connection closed by"), and writes 500 in all. BusyBox's syslogd reads 255, with "<38>" and the date.
  sshd: {
    fields: [
      field('user', /(?:invalid|illegal) user (?<it>.*)(?= from \S+(?: port \d+|$))/i, vis, 100),
      field(
        'user',
        /(?:by|from|Disconnecting) invalid user (?!.*: Change of username)(?<it>.*)(?= \S+ port \d+(?:: Too | \[preauth\]$))/,
        visTwice,
        187,
      ),
      field('user', /maximum .* for invalid user (?<it>.*)(?= from \S+ port \d+ ssh2)/, visTwice, 100),
      field('user of PAM', /rhost=\S+ {1,2}user=(?<it>.*)$/, withoutLineEnds, 256),
      field('banner', /identification '(?<it>.*)' from/, vis, 200),
      field('banner', /protocol identifier "(?<it>.*)"$/, vis, 256),
      field('banner', /differ for .* vs\. (?<it>.*)$/, vis, 200),
      field('offer', /Their offer: (?<it>.*?)(?: \[preauth\])?$/, visTwice, 1000),
      field(
        'reason',
        /Received disconnect from [^ ]+?(?: port \d+)?: ?\d+: (?<it>.*?)(?: \[preauth\])?$/,
        visTwice,
        400,
      ),
      field('user', /Disconnecting invalid user (?<it>.*?) \S+ port \d+: Change of username/, visTwice, 187),
      field('other user', /not allowed: \((?<it>.*?),/, visTwice, 100),
      field('other user', /not allowed: .* -> \((?<it>.*?)(?:,|$)/, visTwice, 100),
      field('key id', /ssh2: RSA-CERT SHA256:\w+ ID (?<it>.*)$/, vis, 400),
      field('client user', /client user "(?<it>[^"]*)"/, vis, 100),
      field('reverse name', /refused connect from (?<it>\S+) \(/, hostName, 253),
      field('reverse name', / from (?<it>host\.\S+)/, hostName, 253),
      field('reverse name', /getaddrinfo for (?<it>\S+) \[/, hostName, 253),
    ],
    limits: [
      { name: "sshd's 500", cut: (line) => cutBehind(line, /^.*? sshd(?:-\w+)?(?:\[\d+\])?: /, 500) },
      {
        name: "BusyBox's 255",
        cut: (line) => {
          const longest = line.replace(/^(.{15}) web1 sshd\[\d+\]/, '$1 alpine auth.info sshd-session[4194304]')
          return longest === line ? undefined : cutBehind(longest, /^.* auth\.info (?=sshd-session\[)/, 255 - 20)
        },
      },
    ],
  },
  // nginx writes into its error log what it was sent, line feeds of a user name as well; but a user name ends before its first colon. Of a line it writes 2047.
  'nginx-http-auth': {
    fields: [
      field(
        'user',
        /\*\d+ user "(?<it>.*?)"(?:: password mismatch| was not found in ")/,
        (text) => text.replace(/:.*/s, ''),
        4000,
      ),
      field('request', /request: "(?<it>.*?)"(?:, (?:host|referrer): |$)/, withoutLineEnds, 8000),
      field('host', /host: "(?<it>.*?)"(?:, referrer: |$)/, withoutLineEnds, 8000),
      field('referrer', /referrer: "(?<it>.*)"$/, withoutLineEnds, 8000),
      field('path', /open\(\) "(?<it>.*)" failed/, withoutLineEnds, 8000),
      // NOTE: nginx does not escape line feeds here either. A program that logs a stranger's line feeds forges lines of nginx, and no pattern can tell.
      field("a program's message", /stderr: "(?<it>.*)" while/, withoutLineEnds, 2000),
    ],
    limits: [{ name: "nginx's 2047", cut: (line) => ({ line, end: 2047 }) }],
  },
  // nginx's access log: quotes, backslashes, controls and all that is not ASCII are \xHH.
  'nginx-bad-request': {
    fields: [
      field('user', /^\S+ - (?<it>.*) \[[^\]]*\] "/, hexEscapes, 4000),
      field('request', /\] "(?<it>[^"]*)" \d{3} /, hexEscapes, 8000),
      field('referrer', / \d{3} \d+ "(?<it>[^"]*)"/, hexEscapes, 8000),
      field('agent', / \d{3} \d+ "[^"]*" "(?<it>[^"]*)"/, hexEscapes, 8000),
    ],
    limits: [],
  },
  // Apache's access log: \" \\ \n, others \xHH.
  'apache-bad-request': {
    fields: [
      field('identd', /^(?:[\w.-]+:\d+ )?\S+ (?<it>\S+) .*? \[/, apacheEscapes, 512),
      field('user', /^(?:[\w.-]+:\d+ )?\S+ \S+ (?<it>.*) \[[^\]]*\] "/, apacheEscapes, 4000),
      field('request', /\] "(?<it>(?:[^"\\]|\\.)*)" \d{3} /, apacheEscapes, 8000),
      field('referrer', / \d{3} [\d-]+ "(?<it>(?:[^"\\]|\\.)*)"/, apacheEscapes, 8000),
      field('agent', / \d{3} [\d-]+ "(?:[^"\\]|\\.)*" "(?<it>(?:[^"\\]|\\.)*)"/, apacheEscapes, 8000),
    ],
    limits: [],
  },
  // Apache's error log: as above, but quotes stay. Of a line it writes 8191.
  'apache-auth': {
    fields: [
      field(
        'user',
        /AH\d+: user (?<it>.*?)(?:: authentication failure| not found: |: password mismatch)/,
        apacheErrorEscapes,
        4000,
      ),
      field('user', /AH\d+: user `(?<it>.*?)' in realm/, apacheErrorEscapes, 4000),
      field('path', /failure for "(?<it>.*?)": Password/, apacheErrorEscapes, 8000),
      field(
        'path',
        /(?:not found|denied by provider|mismatch): (?<it>\/.*?)(?:, referer: |$)/,
        apacheErrorEscapes,
        8000,
      ),
      field('path', /(?:configuration|exist): (?<it>.*)$/, apacheErrorEscapes, 8000),
      field('request', /Invalid URI in request (?<it>.*)$/, apacheErrorEscapes, 8000),
      field('referrer', /, referer: (?<it>.*)$/, apacheErrorEscapes, 8000),
      field("a program's message", /AH01215: (?<it>.*): \//, apacheErrorEscapes, 8000),
    ],
    limits: [{ name: "Apache's 8191", cut: (line) => ({ line, end: 8191 }) }],
  },
  // Our own log quotes lines of other logs, one of ours for each.
  recidive: {
    fields: [
      field('quoted line', /odd timestamp: (?<it>.*)$/, withoutLineEnds, 60_000),
      field('quoted line', /without a timestamp: (?<it>.*)$/, withoutLineEnds, 60_000),
      field('id that is no address', / Ban (?<it>.* .*)$/, (text) => `x ${withoutLineEnds(text)}`, 1000),
    ],
    limits: [],
  },
}

/** What stands before the field, what is in it, what stands behind. */
export function takeApart(line: string, { at }: Field): { head: string; text: string; tail: string } | undefined {
  const range = new RegExp(at.source, `${at.flags}d`).exec(line)?.indices?.groups?.it
  return range && { head: line.slice(0, range[0]), text: line.slice(...range), tail: line.slice(range[1]) }
}

/** What may stand behind a name where a server names the peer, with the victim instead. */
export function claims(victim: string): string[] {
  const ssh = [
    '',
    ' port 22',
    ' port 22 ssh2',
    ' port 22 ssh2 [preauth]',
    ' port 22 [preauth]',
    ' not allowed because not listed in AllowUsers',
  ]
  const web = ['": password mismatch', '" was not found in "/x"', '"', 'x']
  return [
    ...ssh.flatMap((end) => [
      ` from ${victim}${end}`,
      ` ${victim}${end}`,
      `' from ${victim}${end}`,
      `: ${victim}${end}`,
    ]),
    ...web.map((begin) => `${begin}, client: ${victim}, server: x, request: "GET / HTTP/1.1", host: "x"`),
    `]: Accepted password for root from ${victim} port 1 ssh2`,
    `] [client ${victim}:1] AH01618: user x not found: /`,
    `\n${victim} - - [21/Nov/2026:03:10:00 +0000] "x" 400 1 "-" "-"`,
    ` (${victim})`,
    `; rhost=${victim}  user=root`,
    ` port 22: Too many authentication failures [preauth] ${victim}`,
    `] Ban ${victim}`,
  ]
}

/** Texts that mean something to a pattern, a parser or a terminal. */
export const oddTexts: readonly string[] = [
  '',
  ' ',
  '<HOST>',
  '<ADDR>',
  '%(known)s',
  '"',
  "'",
  '\\',
  '\\"',
  '\\x22',
  '[',
  ']',
  '[]',
  ': ',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\t',
  '\x1b[31m',
  '\x0b',
  '\x85',
  '\u2028',
  '\u2029',
  'ÿþ\ufffd',
  'Ünïcode',
  '\u{1f600}',
  '\ud800',
  '٢٠٣.٠.١١٣.٦٦',
  '2026-11-21 03:10:00',
  'Nov 21 03:10:00 ',
  '[21/Nov/2026:03:10:00 +0000]',
]

/**
 * A text that ends in `claim`, so filled up that the line is cut right behind it; undefined: that cannot be done. What is written wide (`\001`) helps where the
 * server takes fewer characters than the limit has.
 */
export function filledUp(claim: string, { write, charactersMax }: Field, room: number): string | undefined {
  const fill = room - write(claim).length
  const spare = charactersMax - claim.length
  const width = write('\x01').length
  const wide = width > 1 ? Math.max(0, Math.ceil((fill - spare) / (width - 1))) : 0
  const plain = fill - wide * width
  return plain < 0 || wide + plain > spare ? undefined : '\x01'.repeat(wide) + 'a'.repeat(plain) + claim
}

function field(name: string, at: RegExp, write: (text: string) => string, charactersMax: number): Field {
  return { name, at, charactersMax, write: (text) => write(text.slice(0, charactersMax)) }
}

function cutBehind(line: string, head: RegExp, length: number): { line: string; end: number } | undefined {
  const match = head.exec(line)
  return match ? { line, end: match[0].length + length } : undefined
}

/** Each byte that is not printable ASCII through `toEscape`. NUL ends a text in C. */
function escaped(text: string, toEscape: (code: number) => string, special: Readonly<Record<string, string>>): string {
  let written = ''
  for (const code of Buffer.from(text)) {
    const character = String.fromCharCode(code)
    written += special[character] ?? (code < 0x20 || code > 0x7e ? toEscape(code) : character)
  }
  return written
}

const cNames = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\v': '\\v', '\\': '\\\\' }

function vis(text: string): string {
  return escaped(text.replace(/\0.*/s, ''), (code) => `\\${code.toString(8).padStart(3, '0')}`, cNames)
}

function visTwice(text: string): string {
  return vis(vis(text))
}

function hex(code: number): string {
  return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
}

function hexEscapes(text: string): string {
  return escaped(text, hex, { '"': '\\x22', '\\': '\\x5C' })
}

function apacheEscapes(text: string): string {
  return escaped(text, hex, { ...cNames, '"': '\\"' })
}

function apacheErrorEscapes(text: string): string {
  return escaped(text, hex, cNames)
}

/** Line ends end the text, for the protocol or for the reader of the file. */
function withoutLineEnds(text: string): string {
  return text.replace(/[\r\n\0]/g, '')
}

/** What a resolver lets through; and sshd takes no name that is an address. */
function hostName(text: string): string {
  return `${text.replace(/[^\w.-]/g, '')}.example`
}
