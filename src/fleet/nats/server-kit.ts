import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../lib/clock.js'
import { type Log, silentLog } from '../../lib/log.js'
import { freePort } from './broker-kit.js'
import { makeAuthority, makeServerCertificate } from './certificates.js'
import { authorityOf, serverIdentity, userJwt } from './identity.js'
import { brokerKeyPair, nkeyText, signNonce } from './nkey.js'
import type { RoleName } from './roles.js'
import { serverConfigText } from './server-config.js'
import { findServerProgram } from './server-program.js'
import { SupervisedServer } from './supervise.js'

/** For tests: why there can be none with a real server. */
export const withoutServer = await findServerProgram().then(
  () => false as const,
  (error: Error) => error.message,
)

/** A fleet's real server on loopback, and cards for it. */
export class ServerKit {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'tocsin-nats-'))
  readonly fleet = 'test'
  readonly operatorSeed = randomBytes(32)
  readonly authority = authorityOf(this.operatorSeed)
  readonly certified = makeAuthority({ fleet: this.fleet, nowMs: Date.now() })
  readonly configFile = path.join(this.dir, 'nats.conf')
  readonly pidFile = path.join(this.dir, 'nats.pid')
  readonly #certificate = makeServerCertificate({
    authority: this.certified,
    fleet: this.fleet,
    hosts: ['127.0.0.1'],
    nowMs: Date.now(),
  })
  port = 0
  server: SupervisedServer | undefined

  async start({ log = silentLog }: { log?: Log } = {}): Promise<this> {
    this.port = await freePort()
    writeFileSync(path.join(this.dir, 'server.pem'), this.#certificate.certificate)
    writeFileSync(path.join(this.dir, 'server.key'), this.#certificate.key)
    this.writeConfig([])
    await new Promise<void>((resolve, reject) => {
      const { configFile, pidFile } = this
      const events = { onReady: resolve, onDown: (reason: string) => reject(new Error(reason)) }
      this.server = new SupervisedServer({ configFile, pidFile, log, clock: systemClock, ...events })
      this.server.start().catch(reject)
    })
    return this
  }

  writeConfig(revoked: { brokerKey: string; atMs: number }[]): void {
    const identity = serverIdentity(this.authority, {
      fleet: this.fleet,
      revoked,
      foundedMs: 1_790_000_000_000,
      nowMs: Date.now(),
    })
    const text = serverConfigText({
      serverName: 'kit',
      listen: { host: '127.0.0.1', port: this.port },
      identity,
      certificateFile: path.join(this.dir, 'server.pem'),
      keyFile: path.join(this.dir, 'server.key'),
      storeDir: path.join(this.dir, 'store'),
      pidFile: this.pidFile,
    })
    writeFileSync(this.configFile, text)
  }

  /** What a client of the npm package needs to connect as this user. */
  user(name: string, role: RoleName = 'node', seed: Uint8Array = randomBytes(32)) {
    const { privateKey, publicKey } = brokerKeyPair(seed)
    const brokerKey = nkeyText('user', publicKey)
    const jwt = userJwt(this.authority, { name, role, brokerKey, nowMs: Date.now() })
    return {
      brokerKey,
      options: {
        servers: `127.0.0.1:${this.port}`,
        name,
        inboxPrefix: `_I.${name}`,
        tls: { ca: this.certified.certificate },
        // NOTE: with an nkey in CONNECT the server (2.9.10) cuts off everybody when it reloads, not only who was revoked; the card has the key anyway.
        authenticator: (nonce?: string) => ({ jwt, nkey: '', sig: signNonce(nonce ?? '', privateKey) }),
        reconnect: false,
        timeout: 20_000,
      },
    }
  }

  async close(): Promise<void> {
    await this.server?.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
