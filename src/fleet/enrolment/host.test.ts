import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { RecordingLog } from '../../../test/kit/recording-log.js'
import { waitUntil } from '../../../test/kit/wait-until.js'
import { freePort } from '../nats/broker-kit.js'
import { pinOf } from '../nats/certificates.js'
import { withoutServer } from '../nats/server-kit.js'
import { FleetDir } from './fleet-dir.js'
import { found } from './found.js'
import { FleetHost } from './host.js'
import { makeInvite } from './invites.js'
import { join } from './join.js'
import { admit, expel } from './membership.js'

const base = mkdtempSync(path.join(tmpdir(), 'tocsin-host-'))
after(() => rmSync(base, { recursive: true }))
let count = 0

describe('where machines join', { skip: withoutServer }, () => {
  let squatter: Server | undefined
  let host: FleetHost | undefined
  afterEach(async () => {
    await host?.close()
    squatter?.close()
  })

  it('opens when its port is free at last, and the broker runs meanwhile', async () => {
    const [dir, broker, enrol] = [new FleetDir(path.join(base, String(++count))), await freePort(), await freePort()]
    const [clock, log, nowMs] = [new ManualClock(Date.now()), new RecordingLog(), Date.now()]
    found(dir, { fleet: 'test', name: 'hub', url: `tls://127.0.0.1:${broker}`, nowMs })
    const taken = createServer()
    squatter = taken
    await new Promise<void>((resolve) => taken.listen(enrol, '127.0.0.1', resolve))
    const at = (port: number) => ({ host: '127.0.0.1', port })
    const said = () => log.lines.join('\n')
    const told: string[] = []
    const ready = new Promise<void>((resolve) => {
      host = new FleetHost({
        dir,
        stateDir: path.join(dir.path, 'state'),
        listen: at(broker),
        enrol: at(enrol),
        log,
        clock,
        onCertificates: (parcels) => void told.push(...parcels.map(({ subject }) => subject)),
        onServerReady: resolve,
      })
    })
    await host?.start()
    await ready
    assert.deepEqual(told, ['ctl.member.hub'])
    assert.match(said(), /Cannot let machines join at 127\.0\.0\.1:\d+: .*EADDRINUSE.*tried again every 10 s/)
    await new Promise((resolve) => taken.close(resolve))
    clock.turn(10_000)
    await waitUntil(
      () => said().includes('works now'),
      () => said(),
    )
    const pin = pinOf(dir.authorityCertificate() ?? '')
    const invite = makeInvite(dir, { name: 'web1', level: 'own' }, clock.now())
    const web1 = new FleetDir(path.join(base, String(++count)))
    assert.equal((await join(web1, { fleet: 'test', name: 'web1', ...at(enrol), pin, ...invite }, nowMs)).name, 'web1')
  })
})

it('a damaged file of one member is named, and the revocation of another is told', async (t) => {
  const dir = new FleetDir(path.join(base, String(++count)))
  const [clock, log, nowMs] = [new ManualClock(Date.now()), new RecordingLog(), Date.now()]
  found(dir, { fleet: 'test', name: 'hub', url: 'tls://127.0.0.1:4222', nowMs })
  const { key, brokerKey } = dir.member('hub') ?? assert.fail()
  admit(dir, { name: 'web9', key, brokerKey, role: 'node', level: 'own' }, nowMs)
  dir.write('members/web5.json', '{"name":"web')
  expel(dir, 'web9', nowMs)
  const told: string[] = []
  const host = new FleetHost({
    dir,
    stateDir: path.join(dir.path, 'state'),
    listen: undefined,
    enrol: undefined,
    log,
    clock,
    onCertificates: (parcels) => void told.push(...parcels.map(({ subject }) => subject)),
  })
  t.after(() => host.close())
  await host.start()
  assert.deepEqual(told, ['ctl.member.hub', 'ctl.member.web9', 'ctl.revoke.web9'])
  assert.match(log.lines.join(), /^ERROR Cannot tell of a member: Cannot read .*web5\.json: it is no JSON/)
})
