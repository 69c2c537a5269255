// Makes node_modules what package-lock.json says, and does nothing (2 ms) when it already is.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout, whatever directory we were called from. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Ends the process with one sentence when the packages cannot be had. */
export function ensureInstalled() {
  const reason = whyInstall()
  if (reason === undefined) return
  console.error(`tocsin: ${reason}: installing them with npm in ${root}`)
  const started = process.hrtime.bigint()
  const problem = install()
  if (problem !== undefined) {
    console.error(`tocsin: npm could not install the packages in ${root}: ${problem}`)
    console.error(
      'What to do: let this machine reach its npm registry (behind a proxy: npm config set proxy URL) and run it again,\n' +
        'or copy a node_modules directory that was installed from the same package-lock.json.',
    )
    process.exit(1)
  }
  console.error(`tocsin: packages installed in ${(Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)} s`)
}

/** Undefined when what is installed equals the lock file. */
function whyInstall() {
  const wanted = packagesOf(path.join(root, 'package-lock.json'))
  const installed = packagesOf(path.join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) throw new Error(`Cannot read ${root}/package-lock.json: is this a whole checkout?`)
  if (installed === undefined) return 'packages are not installed'
  const off = Object.keys(wanted).find((name) => name !== '' && isOff(wanted[name], installed[name]))
  return off === undefined ? undefined : `${off} is not what package-lock.json names`
}

/** npm leaves out optional packages that are for other platforms, so an absent optional one is right. */
function isOff(wanted, installed) {
  if (installed === undefined) return wanted.optional !== true
  return installed.version !== wanted.version || installed.integrity !== wanted.integrity
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** What went wrong, or undefined. */
function install() {
  const clean = npm('ci')
  // NOTE: npm writes no lock entry for another platform's optional package that its registry lacks, and then refuses its own lock
  // file. `install --no-save` takes the same locked versions without that check.
  if (clean?.includes('EUSAGE')) return npm('install', '--no-save')
  return clean
}

/** Runs npm and answers with its own words when it fails. Under `npm run` it is the very npm that runs us. */
function npm(...command) {
  const args = [...command, '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  const script = /npm-cli\.c?js$/.test(process.env.npm_execpath ?? '') ? [process.env.npm_execpath] : []
  const program = script.length > 0 ? process.execPath : 'npm'
  const run = spawnSync(program, [...script, ...args, '--loglevel=error'], { cwd: root, encoding: 'utf8' })
  if (run.error !== undefined) return `cannot run ${program}: ${run.error.message}`
  if (run.status === 0) return undefined
  if (run.signal !== null) return `npm was ended by ${run.signal}`
  const words = run.stderr.split('\n').filter((line) => /^npm error (?!A complete log)/.test(line))
  const shown = words.slice(0, messageLinesMax).map((line) => `\n  ${line.slice('npm error '.length)}`)
  return `npm ${command.join(' ')} gave exit code ${run.status}${shown.join('')}`
}

/** npm goes on to print its manual; the reason is in the first lines. */
const messageLinesMax = 6
