// Bundles src/cli/main.ts into dist/. `npm run build` always asks here; nothing is done when the sources have not changed.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, root } from './ensure-installed.mjs'

const dist = path.join(root, 'dist')
const stamp = path.join(dist, '.built')
/** Chunks of older builds stay for a day: a daemon that still runs from them loads them when it needs them. */
const oldChunkMs = 24 * 3600 * 1000

/** Builds when the sources differ from those of the last build. Ends the process with a message when they do not compile. */
export async function ensureBuilt() {
  const sources = sourceHash()
  if (builtFrom() === sources) return
  const started = process.hrtime.bigint()
  try {
    const outputs = await bundle()
    write(outputs)
    prune(outputs)
    writeFileSync(stamp, `${sources}\n`)
  } catch (error) {
    // esbuild has printed what is wrong in the sources; everything else has not been said yet.
    if (error.errors === undefined) console.error(`tocsin: cannot build into ${dist}: ${error.message}`)
    process.exit(1)
  }
  console.error(`tocsin: built in ${(Number(process.hrtime.bigint() - started) / 1e6).toFixed(0)} ms`)
}

/** Content, not times: a git checkout or a copy changes times without changing anything. */
function sourceHash() {
  const hash = createHash('sha1')
  const src = path.join(root, 'src')
  const names = readdirSync(src, { recursive: true })
    .filter((name) => !/\.test\.tsx?$/.test(name) && statSync(path.join(src, name)).isFile())
    .sort()
  for (const name of names) hash.update(`${name}\0`).update(readFileSync(path.join(src, name)))
  for (const name of ['package-lock.json', 'scripts/build.mjs']) hash.update(readFileSync(path.join(root, name)))
  return hash.digest('hex')
}

function builtFrom() {
  try {
    return readFileSync(stamp, 'utf8').trim()
  } catch {
    return undefined
  }
}

async function bundle() {
  const { build } = await import('esbuild')
  const all = await build({
    ...common,
    entryPoints: ['src/cli/main.ts'],
    // Every dynamic import becomes a file of its own: the client commands never load the daemon.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Bundled CommonJS packages may call require for Node's own modules.
    banner: {
      js: "import { createRequire as __require_ } from 'node:module'\nconst require = __require_(import.meta.url)",
    },
  })
  // What scripts call many times a minute is one file: each further one costs a millisecond and more.
  const message = await build({
    ...common,
    entryPoints: { message: 'src/cli/fail2ban/message.ts' },
  })
  return [...message.outputFiles, ...all.outputFiles]
}

const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Native add-ons find their binaries beside themselves; node:sqlite exists only on newer Node.
  external: ['koffi', '@photostructure/sqlite', 'node:sqlite'],
  sourcemap: 'linked',
  sourcesContent: false,
  minifySyntax: true,
  legalComments: 'linked',
  write: false,
  logLevel: 'warning',
}

/** The entry last, each file in one step: a command started meanwhile sees the whole old or the whole new program. */
function write(outputs) {
  const isEntry = (output) => path.dirname(output.path) === dist
  for (const output of [...outputs].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)))) {
    mkdirSync(path.dirname(output.path), { recursive: true })
    const fresh = `${output.path}.${process.pid}`
    writeFileSync(fresh, output.contents)
    renameSync(fresh, output.path)
  }
}

function prune(outputs) {
  const current = new Set(outputs.map((output) => output.path))
  const chunks = path.join(dist, 'chunks')
  mkdirSync(chunks, { recursive: true })
  for (const name of readdirSync(chunks)) {
    const file = path.join(chunks, name)
    if (!current.has(file) && Date.now() - statSync(file).mtimeMs > oldChunkMs) rmSync(file, { force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  ensureInstalled()
  await ensureBuilt()
}
