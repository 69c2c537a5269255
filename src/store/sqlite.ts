import { createRequire } from 'node:module'
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'

export type Connection = DatabaseSyncInstance
export type Statement = StatementSyncInstance

/**
 * Opens a connection with Node's own SQLite where that is free of warnings (24 and later), else with the package of the same
 * interface. Chosen at run time: Node 20 has no `node:sqlite`, and with it the package need not be loaded (20 MB).
 */
export function connect(path: string, busyTimeoutMs: number): Connection {
  const Implementation = connectionClass()
  return new Implementation(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
}

type ConnectionClass = new (
  path: string,
  options: { timeout: number; enableForeignKeyConstraints: boolean },
) => Connection

function connectionClass(): ConnectionClass {
  const isBuiltIn = Number.parseInt(process.versions.node, 10) >= 24
  const load = createRequire(import.meta.url)
  return load(isBuiltIn ? 'node:sqlite' : '@photostructure/sqlite').DatabaseSync
}
