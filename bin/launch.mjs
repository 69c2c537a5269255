// What every launcher does: find the built program beside itself and hand over.
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Runs dist/main.js as `program`. Without a build: one sentence and `missingExitCode`.
 * Symbolic links are no matter: Node resolves them before it gives us our own address.
 */
export async function launch(program, missingExitCode) {
  const main = new URL('../dist/main.js', import.meta.url)
  if (!existsSync(main)) {
    const checkout = fileURLToPath(new URL('..', import.meta.url))
    console.error(`${program}: not built yet. Run "npm start" or "npm run build" in ${checkout}`)
    process.exitCode = missingExitCode
    return
  }
  // NOTE: never the default directory under /tmp: whoever owns it could give root other code to run.
  nodeModule.enableCompileCache?.(fileURLToPath(new URL('../dist/.compiled', import.meta.url)))
  const { main: run } = await import(main.href)
  process.exitCode = await run(program, process.argv.slice(2))
}
