// `npm test [-- NAME… | --option…]`: installs, builds, and runs every test file, or those whose path contains one of the names.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
await ensureBuilt()

const args = process.argv.slice(2)
const options = args.filter((arg) => arg.startsWith('-'))
const names = args.filter((arg) => !arg.startsWith('-'))

const files = ['src', 'test']
  .filter((folder) => existsSync(path.join(root, folder)))
  .flatMap((folder) => readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, name)))
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()

if (files.length === 0) {
  console.error(`tocsin: no test file in src/ or test/ has ${names.join(' or ')} in its path`)
  process.exit(1)
}

// One process a file; most of a small file's time is start-up, so one more than Node's default keeps two cores busy.
const concurrency = Math.max(2, availableParallelism())
const runner = spawn(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, ...options, ...files],
  { cwd: root, stdio: 'inherit' },
)
runner.on('exit', (code, signal) => {
  if (signal !== null) console.error(`tocsin: the test runner was ended by ${signal}`)
  process.exitCode = code ?? 1
})
