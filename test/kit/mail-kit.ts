import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { loadConfig } from '../../src/config/load.js'
import type { ActionSpec } from '../../src/domain/action-spec.js'
import { runChild } from '../../src/lib/child.js'
import type { TagSource } from '../../src/notify/tag-source.js'

/** For tests: a directory with programs that record how they are called, and actions as a jail reads them. */
export class MailKit {
  readonly dir = mkdtempSync(path.join(os.tmpdir(), 'mail-kit-'))
  readonly path = `${this.dir}/bin:${process.env.PATH}`
  readonly sendmail = `${this.dir}/bin/sendmail`
  #configs = 0

  constructor() {
    mkdirSync(`${this.dir}/bin`)
    for (const name of ['sendmail', 'mail'])
      this.program(name, `for one; do printf '%s\\0' "$one"; done > ${this.dir}/argv\ncat > ${this.dir}/stdin`)
    this.program('whois', 'printf "Owner: of %s\\n\\n" "$1"')
  }

  program(name: string, script: string): void {
    writeFileSync(`${this.dir}/bin/${name}`, `#!/bin/sh\n${script}\n`)
    chmodSync(`${this.dir}/bin/${name}`, 0o755)
  }

  removeProgram(name: string): void {
    rmSync(`${this.dir}/bin/${name}`)
  }

  /** What was handed to a mailer last; once. */
  received(): ReceivedMail {
    const [argv = '', stdin = ''] = ['argv', 'stdin'].map((name) => readFileSync(`${this.dir}/${name}`, 'utf8'))
    for (const name of ['argv', 'stdin']) rmSync(`${this.dir}/${name}`)
    return { argv: argv.split('\0').slice(0, -1), stdin }
  }

  run: typeof runChild = (argv, options) =>
    runChild(argv, { ...options, env: { ...process.env, PATH: this.path, ...options.env } })

  /** The actions as a jail gets them from a copy of this action.d. */
  actions(source: string, action: string): readonly ActionSpec[] {
    const dir = `${this.dir}/config-${this.#configs++}`
    mkdirSync(`${dir}/filter.d`, { recursive: true })
    symlinkSync(source, `${dir}/action.d`)
    writeFileSync(`${dir}/fail2ban.conf`, '[Definition]\n')
    writeFileSync(`${dir}/filter.d/f.conf`, '[Definition]\nfailregex = ^<HOST>$\n')
    const jail = `[j]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = ${action}\n`
    writeFileSync(`${dir}/jail.conf`, jail)
    const { config, problems } = loadConfig({ dir })
    const actions = config?.jails[0]?.actions
    if (actions === undefined) throw new Error(JSON.stringify(problems))
    return actions
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}

/** Fail2ban's own files, where it is installed. */
export const stockActions = '/etc/fail2ban/action.d'
export const noStock = existsSync(`${stockActions}/sendmail.conf`) ? false : `there is no Fail2ban in ${stockActions}`

/** A ban's tags, from a table. */
export function tagsOf(values: Readonly<Record<string, string>>): TagSource {
  return {
    value: (tag) => (Object.hasOwn(values, tag) ? values[tag] : undefined),
    field: (name) => (Object.hasOwn(values, `F-${name}`) ? values[`F-${name}`] : undefined),
  }
}

/** Carries out an action by this Fail2ban and prints what its mailer got: start, a ban, and stop. */
const peerProgram = String.raw`
import json, os, sys
from fail2ban.server.action import CommandAction
task = json.load(sys.stdin)
action = CommandAction(None, "a")
for name, value in task["properties"]:
    if name not in ("timeout", "bantime"): setattr(action, name, value)
def received():
    names = [task["dir"] + "/" + name for name in ("argv", "stdin")]
    texts = [open(name).read() for name in names]
    for name in names: os.remove(name)
    return {"argv": texts[0].split("\0")[:-1], "stdin": texts[1]}
mails = []
for tell in (action.start, lambda: action.ban(task["tags"]), action.stop):
    tell()
    mails.append(received())
print(json.dumps(mails))
`

export interface ReceivedMail {
  argv: string[]
  stdin: string
}

/** The mails that Fail2ban itself sends for start, a ban, and stop. */
export async function peerMails(
  kit: MailKit,
  action: ActionSpec,
  tags: Readonly<Record<string, string>>,
): Promise<ReceivedMail[]> {
  const { exitCode, stdout, stderr } = await kit.run(['/usr/bin/python3', '-W', 'ignore', '-c', peerProgram], {
    stdin: JSON.stringify({ properties: action.properties, tags, dir: kit.dir }),
    timeoutMs: 60_000,
  })
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
