import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { isBeingRestarted } from './service-manager.js'

const bin = mkdtempSync(path.join(tmpdir(), 'tocsin-systemctl-'))
after(() => rmSync(bin, { recursive: true, force: true }))

/** In place of systemctl, which wants a running systemd: knows one unit, and says what job that has. */
function pretend(job: string, type: string): Record<string, string> {
  const script = `#!/bin/sh
case "$*" in
  'show --property=Job --value -- fail2ban.service') echo '${job}' ;;
  'show --property=JobType --value -- 4711') echo '${type}' ;;
  *) exit 1 ;;
esac
`
  writeFileSync(path.join(bin, 'systemctl'), script, { mode: 0o755 })
  return { PATH: `${bin}:${process.env.PATH}`, INVOCATION_ID: '0123456789abcdef' }
}

const cgroup = '0::/system.slice/fail2ban.service\n'

describe('a stop by systemd', () => {
  it('is a restart when the job is one', async () => {
    assert.equal(await isBeingRestarted({ env: pretend('4711', 'restart'), cgroup }), true)
    const older = '5:cpu:/\n1:name=systemd:/system.slice/fail2ban.service\n0::/system.slice/fail2ban.service\n'
    assert.equal(await isBeingRestarted({ env: pretend('4711', 'restart'), cgroup: older }), true)
  })

  it('is a stop when the job is one, or there is none', async () => {
    assert.equal(await isBeingRestarted({ env: pretend('4711', 'stop'), cgroup }), false)
    assert.equal(await isBeingRestarted({ env: pretend('', 'restart'), cgroup }), false)
    assert.equal(await isBeingRestarted({ env: pretend('0', 'restart'), cgroup }), false)
  })

  it('is a stop when we are no service of systemd, or nobody answers', async () => {
    const env = pretend('4711', 'restart')
    const others = ['', '0::/\n', '0::/user.slice/session-1.scope\n', '1:cpu:/system.slice/fail2ban.service\n']
    for (const other of others) assert.equal(await isBeingRestarted({ env, cgroup: other }), false)
    assert.equal(await isBeingRestarted({ env: { PATH: env.PATH }, cgroup }), false)
    assert.equal(await isBeingRestarted({ env: { ...env, PATH: '/nonexistent' }, cgroup }), false)
  })
})
