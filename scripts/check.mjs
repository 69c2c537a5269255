// `npm run check`: format, lint, types, floors and unused code, side by side. Only what fails is shown.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()

const tool = (name, ...args) => [path.join(root, 'node_modules', '.bin', name), ...args]
const script = (name, ...args) => [process.execPath, path.join(root, 'scripts', name), ...args]
const checks = {
  'format and lint': tool('biome', 'check', '.'),
  types: tool('tsc', '--pretty', 'false'),
  floors: script('check-floors.mjs', 'src'),
  imports: script('check-imports.mjs', 'src'),
  'unused code': tool('knip', '--no-progress'),
}

const started = process.hrtime.bigint()
const results = await Promise.all(Object.entries(checks).map(([name, command]) => run(name, command)))
for (const { name, output, code } of results) {
  if (code !== 0) console.error(`✖ ${name} (exit code ${code})\n${output.trimEnd()}\n`)
}
const failed = results.filter(({ code }) => code !== 0).length
const seconds = (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)
console.error(
  failed === 0
    ? `✔ ${results.map(({ name }) => name).join(', ')}: good (${seconds} s)`
    : `✖ ${failed} of ${results.length} checks failed (${seconds} s)`,
)
process.exitCode = failed === 0 ? 0 : 1

function run(name, [command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks = []
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    child.stderr.on('data', (chunk) => chunks.push(chunk))
    child.on('error', (error) => resolve({ name, output: error.message, code: 1 }))
    child.on('close', (code, signal) =>
      resolve({ name, output: Buffer.concat(chunks).toString(), code: code ?? signal }),
    )
  })
}
