// Fingerprints of the firewall actions of Fail2ban releases, for src/firewall/stock-fingerprints.ts. Run it by
//   node --import tsx scripts/stock-fingerprints.mjs 1.0.2=/etc/fail2ban/action.d [NAME=DIRECTORY ...]
// NAMEd releases are computed anew from the action.d directories given; all others stay as they are.
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../src/config/load.ts'
import { canonicalText, parameters } from '../src/firewall/canonical-action.ts'
import { fixedTextHash } from '../src/firewall/stock-action.ts'
import { stockFingerprints } from '../src/firewall/stock-fingerprints.ts'

/** Actions that close ports of this machine and nothing else. Others of these families keep what we do not (xt_recent). */
const isFirewall = (file) =>
  /^(?:iptables|nftables|firewallcmd)(?:-(?!common|xt_recent)[\w-]+)?\.conf$/.test(file) && !file.endsWith('-sets.conf')

/** Arguments that make another action of a file. */
const variants = [
  '',
  ...['oneport', 'multiport', 'allports'].map((type) => `type="${type}"`),
  ...['<multiport>', '<allports>'].flatMap((what) => [
    `actiontype="${what}"`,
    // Who makes the set: before 1.1, and since.
    `actiontype="${what}", ipsettype="firewalld"`,
    `actiontype="${what}", ipsetbackend="firewalld"`,
  ]),
]

/** Tags that Fail2ban's server fills in for each ban; any other that is left means that the variant does not exist. */
const ofTheServer = new Set(['ip', 'family', 'bantime', 'sp', 'br'])

const output = fileURLToPath(new URL('../src/firewall/stock-fingerprints.ts', import.meta.url))
const releases = process.argv.slice(2).map((argument) => argument.split('='))
if (releases.length === 0 || releases.some((pair) => pair.length !== 2)) {
  console.error('usage: stock-fingerprints.mjs RELEASE=ACTION.D-DIRECTORY ...')
  process.exit(2)
}
const names = new Set(releases.map(([name]) => name))
const kept = stockFingerprints().map((one) => ({ ...one, releases: one.releases.filter((name) => !names.has(name)) }))
const computed = releases.flatMap(([name, directory]) => fingerprintsOf(name, directory))
const all = merged([...kept, ...computed])
  .filter((one) => one.releases.length > 0)
  .sort((a, b) => compared(a.file, b.file) || compared(a.sha256, b.sha256))
writeFileSync(
  output,
  readFileSync(output, 'utf8').replace(
    /(const table = `\n)[^`]*`/,
    (_, start) => `${start}${all.map(printed).join('')}\``,
  ),
)
console.error(`${computed.length} fingerprints computed, ${all.length} in ${output}`)

function fingerprintsOf(release, directory) {
  const found = []
  for (const file of readdirSync(directory).filter(isFirewall).sort()) {
    for (const variant of variants) {
      const base = file.replace(/\.conf$/, '')
      const plain = propertiesOf(directory, base, variant)
      const present = new Set(plain.map(([name]) => name.split('?')[0]).filter((name) => parameters.has(name)))
      present.delete('actname')
      const marked = [variant, ...[...present].map((name) => `${name}="${mark(name)}"`)].filter((one) => one !== '')
      const properties = propertiesOf(directory, base, marked.join(', '))
      const text = canonicalText(properties)
      if (hasUnknownTag(text, properties) || text.includes(' firewalld timeout ')) continue
      found.push(fingerprint(release, base, text, new Map(plain)))
    }
  }
  return found
}

function fingerprint(release, file, text, plain) {
  const shape = []
  const pieces = text.split(/\u0002([\w-]+)\u0003/)
  for (let i = 0; i < pieces.length; i += 2) shape.push({ fixedLength: pieces[i].length, parameter: pieces[i + 1] })
  const values = new Map([...parameters].map((name) => [name, mark(name)]))
  const newOnly = /state NEW/.test(text)
  const logs = /-j LOG|log prefix/.test(text)
  const chain = shape.some(({ parameter }) => parameter === 'chain') ? plain.get('chain') : undefined
  return { file, releases: [release], chain, newOnly, logs, shape, sha256: fixedTextHash(text, shape, values) }
}

function printed({ file, releases, chain, newOnly, logs, shape, sha256 }) {
  const remarks = `${newOnly ? 'n' : ''}${logs ? 'l' : ''}` || '-'
  const shapeText = shape.map(({ fixedLength, parameter }) => `${fixedLength}${parameter ?? ''}`).join('')
  return `${[file, releases.join(','), chain ?? '-', remarks, shapeText, sha256].join(' ')}\n`
}

function mark(parameter) {
  return `\u0002${parameter}\u0003`
}

function hasUnknownTag(text, properties) {
  const known = new Set([...properties.map(([name]) => name.split('?')[0]), ...ofTheServer])
  return [...text.matchAll(/<([^ <>]+)>/g)].some(([, name]) => !known.has(name))
}

/** As our own reader gives them to a jail. */
function propertiesOf(directory, file, args) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'stock-actions-'))
  try {
    mkdirSync(path.join(dir, 'filter.d'))
    cpSync(directory, path.join(dir, 'action.d'), { recursive: true })
    for (const name of readdirSync(path.join(dir, 'action.d')))
      if (name.endsWith('.local')) rmSync(path.join(dir, 'action.d', name))
    writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
    writeFileSync(path.join(dir, 'filter.d', 'f.conf'), '[Definition]\nfailregex = ^<HOST>$\n')
    const action = args === '' ? file : `${file}[${args}]`
    writeFileSync(
      path.join(dir, 'jail.conf'),
      `[j]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = ${action}\n`,
    )
    const { config, problems } = loadConfig({ dir })
    const properties = config?.jails[0]?.actions[0]?.properties
    if (properties === undefined) throw new Error(`${action}: ${JSON.stringify(problems)}`)
    return properties
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** The same commands in several releases or files are one entry, under the name of the first file. */
function merged(fingerprints) {
  const byHash = new Map()
  for (const one of fingerprints) {
    const key = `${one.sha256} ${createHash('sha256').update(JSON.stringify(one.shape)).digest('hex')}`
    const known = byHash.get(key)
    if (known === undefined) byHash.set(key, one)
    else {
      known.file = [known.file, one.file].sort()[0]
      known.releases = [...new Set([...known.releases, ...one.releases])].sort()
    }
  }
  return [...byHash.values()]
}

function compared(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}
