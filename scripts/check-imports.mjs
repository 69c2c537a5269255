// Fails when two files of src/ import the same npm package, or when anything but src/lib/child.ts starts processes. Tests may.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const specifier =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'".][^'"]*)['"]|\bimport\(\s*['"]([^'".][^'"]*)['"]\s*\)|\brequire\(\s*['"]([^'".][^'"]*)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'".][^'"]*)['"]/g
const childProcessOwner = 'lib/child.ts'

const src = path.resolve(process.argv[2] ?? 'src')
const files = readdirSync(src, { recursive: true })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
  .sort()

const importers = new Map()
for (const file of files) {
  for (const [, ...names] of readFileSync(path.join(src, file), 'utf8').matchAll(specifier)) {
    const packageName = packageOf(names.find((name) => name !== undefined))
    importers.set(packageName, (importers.get(packageName) ?? new Set()).add(file))
  }
}

const problems = []
for (const [name, users] of importers) {
  if (name === 'node:child_process') {
    for (const file of users) {
      if (file !== childProcessOwner)
        problems.push(`${file} may not import ${name}: only ${childProcessOwner} starts processes`)
    }
  } else if (!name.startsWith('node:') && users.size > 1) {
    problems.push(`${name} is imported by ${[...users].join(', ')}: let one file own it`)
  }
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/** `hono/streaming` is hono, `@a/b/c` is @a/b; Node's own modules stay as they are, with their prefix. */
function packageOf(name) {
  if (name === 'child_process') return 'node:child_process'
  if (name.startsWith('node:')) return name
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
