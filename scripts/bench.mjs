// `npm run bench [-- NAME… | --write]`: installs, builds, and runs every benchmark in bench/, or those named. `--write` puts the figures
// into bench/RESULTS.md, each benchmark's in its own section.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
await ensureBuilt()

const args = process.argv.slice(2)
const isWriting = args.includes('--write')
const wanted = args.filter((arg) => arg !== '--write')
const all = readdirSync(path.join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .sort()
const unknown = wanted.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`tocsin: there is no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}`)
  process.exit(1)
}

// Only as root may we have a network namespace of our own.
const isApart = process.getuid() === 0 && spawnSync('unshare', ['--net', 'true']).status === 0
const reports = []
let failed = 0
for (const name of wanted.length > 0 ? wanted : all) {
  const { code, output } = await run(path.join('bench', `${name}.ts`))
  if (code !== 0) {
    console.error(`tocsin: benchmark ${name} failed (exit code ${code})`)
    failed++
  }
  reports.push(...output.split('\n').filter((line) => /^\{"bench(mark)?":/.test(line)))
}
if (isWriting && reports.length > 0) {
  const write = spawnSync(process.execPath, ['--import', 'tsx', path.join('bench', 'kit', 'write-results.ts')], {
    cwd: root,
    input: reports.join('\n'),
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  if (write.status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1

/** In a network namespace of its own where possible: bans are real there, and this machine's packet filter is left alone. */
function run(file) {
  const node = [process.execPath, '--import', 'tsx', file]
  const apart = ['unshare', '--net', 'sh', '-c', 'ip link set lo up 2>/dev/null; exec "$@"', 'sh', ...node]
  const [command, ...rest] = isApart ? apart : node
  const child = spawn(command, rest, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TOCSIN_BENCH_NETNS: isApart ? '1' : '' },
  })
  const pieces = []
  child.stdout.on('data', (piece) => {
    pieces.push(piece)
    process.stdout.write(piece)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: error.message, output: '' }))
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output: Buffer.concat(pieces).toString() }))
  })
}
