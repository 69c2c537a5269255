// The Ansible role: from bare machines to a fleet, to its next version, and away again; over ssh, on two machines made of namespaces.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { type ChildResult, runChild } from '../src/lib/child.js'
import { type AnsibleNode, AnsibleSite, withoutNodes } from './kit/ansible-nodes.js'
import { failures } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const pack = path.resolve(import.meta.dirname, '../ansible/pack')
/** What web7 has elsewhere than the role's defaults say, and that it had Fail2ban before. */
const elsewhere = {
  tocsin_prefix: '/opt/second',
  tocsin_command: '/usr/local/bin/second',
  tocsin_config_dir: '/etc/second',
  tocsin_state_dir: '/var/lib/second',
  tocsin_run_dir: '/run/second',
  tocsin_log: '/var/log/second.log',
  tocsin_logrotate: '/etc/logrotate.d/second',
  tocsin_config_from: '/etc/fail2ban',
  tocsin_server: { dbfile: '/var/lib/fail2ban/fail2ban.sqlite3' },
  tocsin_replace_fail2ban: true,
}

describe('the Ansible role', { skip: withoutNodes }, () => {
  let site: AnsibleSite
  let hub: AnsibleNode
  let web: AnsibleNode
  let withoutSystemd: string | undefined
  const bare: Record<string, string[]> = {}

  before(async () => {
    site = new AnsibleSite()
    await site.prepare()
    try {
      hub = await site.node('hub', '198.18.0.1', { hasSystemd: true })
    } catch (error) {
      withoutSystemd = `systemd does not run in a namespace here: ${String(error).slice(0, 300)}`
      hub = await site.node('bell', '198.18.0.1')
    }
    web = await site.node('web7', '198.18.0.7')
    await run([pack, site.at('tocsin.tar.gz')])
    await said(web, 'fail2ban-client', 'start')
    await said(web, 'fail2ban-client', 'set', 'sshd', 'banip', '203.0.113.50')
    for (const [name, node] of Object.entries({ hub, web })) bare[name] = node.written()
  })

  const play = async (over: object, ...words: string[]): Promise<Record<string, number>> => {
    const jails = { sshd: { enabled: true, maxretry: 3, logpath: '/var/log/auth.log' } }
    const vars = {
      tocsin_package: site.at('tocsin.tar.gz'),
      tocsin_jails: jails,
      ...over,
    }
    const inventory = {
      all: { vars: { ansible_user: 'root', ansible_python_interpreter: '/usr/bin/python3', ...vars } },
      tocsin_hub: { hosts: { hub: { ansible_host: '198.18.0.1' } } },
      tocsin_members: { hosts: { web7: { ansible_host: '198.18.0.7', ...elsewhere } } },
    }
    return changes(await site.play(inventory, ...words))
  }

  it('foretells on bare machines without an error, and leaves no trace', async () => {
    await play({}, '--check')
    assert.deepEqual({ hub: hub.written(), web: web.written() }, bare)
  })

  it('makes a fleet of them: what one bans is in the kernel of the other', async () => {
    await play({})
    await fail(web, '203.0.113.77')
    await untilDropped(hub, '203.0.113.77')
    await fail(hub, '203.0.113.78')
    await untilDropped(web, '203.0.113.78')
  })

  it('makes it a service of systemd where there is one, whose restart leaves every ban in force', async (t) => {
    // Known only after a try to start it: a sandbox may keep control groups from us. The rest of the story needs no systemd.
    if (withoutSystemd !== undefined) return t.skip(withoutSystemd)
    const before = await tableOf(hub)
    const pid = (await said(hub, 'systemctl', 'show', '-P', 'MainPID', 'tocsin')).trim()
    assert.match(before, /203\.0\.113\.77 /)
    await said(hub, 'systemctl', 'restart', 'tocsin')
    await waitUntil(async () => (await hub.run('tocsin', 'status')).exitCode === 0, 'it answers')
    // A stop removes the table; a new one would have another handle.
    assert.equal(handleOf(await tableOf(hub)), handleOf(before))
    assert.notEqual((await said(hub, 'systemctl', 'show', '-P', 'MainPID', 'tocsin')).trim(), pid)
    assert.equal(await said(hub, 'systemctl', 'is-enabled', 'tocsin'), 'enabled\n')
  })

  it('takes over from Fail2ban, with its bans, and leaves its configuration as it was', async () => {
    assert.notEqual((await web.run('fail2ban-client', 'ping')).exitCode, 0)
    await untilDropped(web, '203.0.113.50')
    assert.deepEqual(
      web.written().filter((name) => name.startsWith('/etc/fail2ban')),
      [],
    )
  })

  it('changes nothing when it is run again', async () => {
    assert.deepEqual(await play({}), { hub: 0, web7: 0 })
  })

  it('tries a configuration before it is written', async () => {
    writeFileSync(web.file('/run/wrong'), '[sshd]\nfindtime = 1x\n')
    const words = [process.execPath, '/etc/second', 'jail.d/ansible.local', '/run/wrong']
    const { exitCode, stderr } = await web.run('/opt/second/current/ansible/try', ...words)
    assert.equal(exitCode, 255)
    assert.match(stderr, /jail.d\/ansible.local:2: \[sshd\] findtime "1x" is not a time/)
  })

  it('brings the next version, with every ban in force', async () => {
    const before = await versionOf(web)
    await nextVersion(site)
    assert.deepEqual(Object.keys(await play({})), ['hub', 'web7'])
    const after = await versionOf(web)
    assert.deepEqual([before.version, after.version, after.pid], ['0.1.0', '0.1.1', before.pid])
    await untilDropped(web, '203.0.113.77')
    await untilDropped(hub, '203.0.113.77')
    assert.match(await said(web, 'sh', '-c', 'echo /opt/second/versions/*'), /^\S+\n$/)
  })

  it('puts a machine out of the fleet and takes all of it away', async () => {
    await play({ tocsin_state: 'absent' }, '--limit', 'web7')
    assert.match(await said(hub, 'tocsin', 'fleet', 'members'), /^web7 .* revoked/m)
    assert.equal((await web.run('nft', 'list', 'table', 'inet', 'tocsin')).exitCode, 1)
    await play({ tocsin_state: 'absent' }, '--limit', 'hub')
    assert.deepEqual({ hub: hub.written(), web: web.written() }, bare)
  })
})

/** How much a play has changed on each host. It must have worked. */
function changes({ exitCode, stdout, stderr }: ChildResult): Record<string, number> {
  assert.equal(exitCode, 0, stdout + stderr)
  const recap = [...stdout.matchAll(/^(\S+) +: ok=\d+ +changed=(\d+)/gm)]
  return Object.fromEntries(recap.map(([, host, changed]) => [host, Number(changed)]))
}

async function run(argv: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await runChild(argv, { timeoutMs: 60_000 })
  assert.equal(exitCode, 0, stdout + stderr)
}

async function said(node: AnsibleNode, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await node.run(...argv)
  assert.equal(exitCode, 0, `${argv.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

async function fail(node: AnsibleNode, ip: string): Promise<void> {
  writeFileSync(node.file('/var/log/auth.log'), failures(ip, 3), { flag: 'a' })
}

function untilDropped(node: AnsibleNode, ip: string): Promise<void> {
  const isDropped = async () => (await tableOf(node)).includes(`${ip} `)
  return waitUntil(isDropped, `${ip} is in the kernel`)
}

function tableOf(node: AnsibleNode): Promise<string> {
  return said(node, 'nft', '-a', 'list', 'table', 'inet', 'tocsin')
}

function handleOf(table: string): string | undefined {
  return /^table inet tocsin \{ # (handle \d+)/.exec(table)?.[1]
}

async function versionOf(node: AnsibleNode): Promise<{ version: string; pid: number }> {
  return JSON.parse(await said(node, 'second', 'version', '--json', '-c', '/etc/second')).daemon
}

/** Another package: the same program, under another number. */
async function nextVersion(site: AnsibleSite): Promise<void> {
  const script = `mkdir next && tar -xzf tocsin.tar.gz -C next && grep -rl '"0\\.1\\.0"' next/tocsin/dist | xargs sed -i 's/"0\\.1\\.0"/"0.1.1"/' && tar -czf tocsin.tar.gz -C next tocsin`
  await run(['sh', '-c', `cd ${site.dir} && ${script}`])
}
