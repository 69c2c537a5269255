import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import fc from 'fast-check'
import { runChild } from '../lib/child.js'
import { repr } from '../lib/python-repr.js'
import { commandStream } from './stream.js'

/** Random configurations, turned into commands by us and by an installed Fail2ban. The seed changes with every run. */
const seed = Math.trunc(Number(process.env.SEED ?? process.hrtime()[1]))
const noPeer = existsSync('/usr/lib/python3/dist-packages/fail2ban') ? false : 'no Fail2ban for python3'

it(`random configurations give the peer's commands or its error (SEED=${seed})`, { skip: noPeer }, async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'random-'))
  t.after(() => rmSync(root, { recursive: true }))
  const configurations = fc.sample(configuration, { seed, numRuns: 300 })
  const dirs = configurations.map((files, at) => written(path.join(root, String(at)), files))
  const { stdout, stderr, exitCode } = await runChild(['python3', '-W', 'ignore', '-c', program], {
    stdin: JSON.stringify(dirs),
    timeoutMs: 60_000,
    outputBytesMax: 64 << 20,
    env: { ...process.env, PYTHONUTF8: '1' },
  })
  assert.equal(exitCode, 0, stderr)
  const theirs: string[] = JSON.parse(stdout)
  let usable = 0
  dirs.forEach((dir, at) => {
    const stream = commandStream({ dir, fail2banVersion: '1.0.2', missingLogs: 'warning', ignoreWrong: true })
    const ours = stream.kind === 'read' ? stream.commands.map(repr).join('\n') : `! ${stream.text}`
    if (stream.kind === 'read') usable++
    assert.equal(ours, theirs[at], JSON.stringify(configurations[at], undefined, 1))
  })
  t.diagnostic(`${usable} of ${dirs.length} were usable`)
  assert(usable > 0)
})

type Files = Record<string, string>

const word = fc.constantFrom('x', 'y z', '10', '%%', '<HOST>', "it's")
/** Names that are mostly there, so that most configurations are usable. */
const reference = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '%(base)s',
      '%(default/base)s',
      '%(other/base)s',
      '%(__name__)s',
      '%(common)s',
      '%(other/common)s',
      '%(Base)s',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '%(known/base)s',
      '%(known/failregex)s',
      '%(gone)s',

      '%(bantime)s',
      '%(known/how)s',
    ),
  },
)
const jailValue = (): fc.Arbitrary<string> =>
  fc.array(fc.oneof(word, reference), { maxLength: 3 }).map((parts) => parts.join(' '))

/** Tags refer downwards and each at most once, but for a rare circle of two: the peer has no bound on what grows. */
const fileValue = (name: string): fc.Arbitrary<string> => {
  if (name === 'base') return word
  if (name === 'how')
    return fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('loud', 'x', 'a <base>') },
      { weight: 1, arbitrary: fc.constant('<own>') },
    )
  const tags = [
    '<how>',
    '<base>',
    '<other/base>',
    '<default/base>',
    '<known/how>',
    '<name>',
    '<x-<how>>',
    '<lost>',
    '<logtype>',
  ]
  const all = /^(own|x-)/.test(name) ? ['<how>', '<base>', '<lost>'] : [...tags, '<own>', '<Own>']
  return fc
    .tuple(fc.array(word, { maxLength: 2 }), fc.uniqueArray(fc.constantFrom(...all), { maxLength: 3 }))
    .map((parts) => parts.flat().join(' '))
}

const options = (names: string[], value: (name: string) => fc.Arbitrary<string>) =>
  fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: 4 })
    .chain((chosen) => fc.tuple(...chosen.map((name) => value(name).map((text) => `${name} = ${text}\n`))))
    .map((lines) => lines.join(''))

const jailOptions = options(
  ['base', 'ignorecommand', 'failregex', 'bantime', 'maxretry', 'known/base', 'logtimezone', 'common'],
  jailValue,
)
const args = fc.constantFrom(
  '',
  '[how=loud]',
  '[own="<how>"]',
  '[how="<known/how>", name=n]',
  '[base=%(base)s]',
  '[failregex="a <how>"]',
  '[x=1][how=a]',
  '[How=b]',
)
const jail = (name: string) =>
  fc
    .tuple(args, args, jailOptions)
    .map(([filter, action, more]) => `[${name}]\nenabled = yes\nfilter = f${filter}\naction = a${action}\n${more}`)

const definition = (names: string[]) =>
  fc
    .tuple(
      options(names, fileValue),
      options(['how', 'own', 'base'], fileValue),
      options(['how', 'base'], fileValue),
      fc.boolean(),
    )
    .map(
      ([own, init, common, conditional]) =>
        `[DEFAULT]\nbase = b\n${common.replace(/^base.*\n/m, '')}[Definition]\n${own}[Init]\n${init}[other]\nbase = o\n${conditional ? '[Init?family=inet6]\nonly = six\n' : ''}`,
    )
const local = (names: string[]) => options(names, fileValue).map((own) => `[Definition]\n${own}`)

const filterNames = ['failregex', 'ignoreregex', 'prefregex', 'own', 'how', 'x-x', 'logtype', 'datepattern']
const actionNames = ['actionban', 'actionunban', 'actionstart', 'own', 'how', 'timeout', 'norestored', 'x-loud']

const configuration: fc.Arbitrary<Files> = fc.record({
  'fail2ban.conf': fc.constant('[Definition]\n'),
  'jail.conf': fc
    .tuple(jailOptions, jail('one'), jail('other'))
    .map(
      ([common, ...jails]) =>
        `[DEFAULT]\nbase = d\ncommon = c\n${common.replace(/^(base|common).*\n/gm, '')}${jails.join('')}`,
    ),
  'jail.local': fc.tuple(jailOptions, jailOptions).map(([one, other]) => `[one]\n${one}[other]\n${other}`),
  'filter.d/f.conf': definition(filterNames),
  'filter.d/f.local': local(filterNames),
  'action.d/a.conf': definition(actionNames),
  'action.d/a.local': local(actionNames),
})

function written(dir: string, files: Files): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    writeFileSync(path.join(dir, name), text)
  }
  return dir
}

const program = `
import json, logging, sys
sys.path.append('/usr/lib/python3/dist-packages')
logging.disable(logging.CRITICAL)
from fail2ban.client.configurator import Configurator
def stream(folder):
    c = Configurator()
    c.setBaseDir(folder)
    try:
        c.readEarly(); early = c.getEarlyOptions()
        c.readAll(); c.getOptions(None, early, ignoreWrong=True)
        c.convertToProtocol(allow_no_files=True)
        return '\\n'.join(repr(i) for i in c.getConfigStream())
    except Exception as e:
        return '! ' + str(e)
print(json.dumps([stream(i) for i in json.loads(sys.stdin.read())]))
`
