import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Enforcer, TimedClosure } from '../domain/enforcer.js'
import { closure, everything, hourMs, ssh, timed, web } from './firewall-kit.js'
import { kernelTimeoutMsMax } from './layout.js'

export interface ContractOptions {
  name: string
  /** Reason why it cannot run here. */
  skip: string | undefined
  make(): Enforcer
  /** Lets this much time pass for the enforcer. */
  pass(ms: number): Promise<void>
  /** Whether closures outlive the object. */
  outlives: boolean
}

/** What every enforcer must do, told by its contract in domain/enforcer.ts. */
export function describeEnforcer(options: ContractOptions): void {
  describe(options.name, { skip: options.skip ?? false }, () => {
    let enforcer: Enforcer
    beforeEach(async () => {
      enforcer = options.make()
      await enforcer.clear()
      await enforcer.arrange([ssh, web, everything])
    })
    afterEach(async () => {
      await enforcer.clear()
      enforcer.release()
    })
    const counts = async () => Object.fromEntries(await enforcer.count())
    /** Rejects when the closures in force, ends included, are not these. */
    const holdsExactly = async (wanted: readonly TimedClosure[]) => {
      assert.deepEqual(await enforcer.reconcile(wanted), { kept: wanted.length, added: 0, removed: 0 })
    }

    it('closes addresses and networks of both families, each in its jail', async () => {
      await enforcer.close([
        timed('sshd', '192.0.2.1', hourMs),
        timed('sshd', '2001:db8::1', hourMs),
        timed('web', '198.51.100.0/24', hourMs),
        timed('all', '2001:db8::/32', undefined),
      ])
      assert.deepEqual(await counts(), { sshd: 2, web: 1, all: 1 })
      assert.deepEqual(await enforcer.drops(closure('sshd', '192.0.2.1')), { packets: 0, bytes: 0 })
      assert.deepEqual(await enforcer.drops(closure('web', '198.51.100.0/24')), { packets: 0, bytes: 0 })
      assert.equal(await enforcer.drops(closure('web', '192.0.2.1')), undefined)
      assert.equal(await enforcer.drops(closure('nobody', '192.0.2.1')), undefined)
    })

    for (const text of ['192.0.2.1', '2001:db8::1', '198.51.100.0/24', '2001:db8::/32'])
      it(`gives ${text} its new end when it is closed again`, async () => {
        for (const remainingMs of [hourMs, 2 * hourMs, hourMs / 2, undefined, hourMs, undefined]) {
          await enforcer.close([timed('sshd', text, remainingMs)])
          await holdsExactly([timed('sshd', text, remainingMs)])
        }
      })

    it('takes the last of several closings of one address in one call', async () => {
      const twice = ['192.0.2.1', '10.0.0.0/8'].flatMap((text) => [
        timed('sshd', text, hourMs),
        timed('sshd', text, 3 * hourMs),
      ])
      await enforcer.close(twice)
      await holdsExactly([timed('sshd', '192.0.2.1', 3 * hourMs), timed('sshd', '10.0.0.0/8', 3 * hourMs)])
    })

    it('opens one jail without opening another', async () => {
      for (const text of ['192.0.2.1', '2001:db8::/32']) {
        await enforcer.close([timed('sshd', text, hourMs), timed('all', text, hourMs)])
        await enforcer.open([closure('sshd', text)])
      }
      assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 2 })
    })

    it('opens what is not closed without complaint', async () => {
      await enforcer.close([timed('sshd', '192.0.2.1', hourMs)])
      const absent = ['192.0.2.9', '2001:db8::9', '198.51.100.0/24', '192.0.0.0/16'].map((text) =>
        closure('sshd', text),
      )
      await enforcer.open([...absent, ...absent, closure('nobody', '192.0.2.1')])
      assert.deepEqual(await counts(), { sshd: 1, web: 0, all: 0 })
      await enforcer.open([closure('sshd', '192.0.2.1'), closure('sshd', '192.0.2.1')])
      assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 0 })
    })

    it('closes nothing of a call that names an unknown jail', async () => {
      const call = [timed('sshd', '192.0.2.1', hourMs), timed('nobody', '192.0.2.2', hourMs)]
      await assert.rejects(enforcer.close(call), /no jail "nobody"/)
      await assert.rejects(enforcer.reconcile(call), /no jail "nobody"/)
      assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 0 })
    })

    it('opens by itself when the time is over', async () => {
      const texts = ['192.0.2.1', '2001:db8::1', '198.51.100.0/24', '2001:db8::/64']
      await enforcer.close(texts.map((text) => timed('sshd', text, 100)))
      await enforcer.close([timed('sshd', '192.0.2.2', hourMs), timed('sshd', '203.0.113.0/24', hourMs)])
      await options.pass(250)
      assert.deepEqual(await counts(), { sshd: 2, web: 0, all: 0 })
      for (const text of texts) assert.equal(await enforcer.drops(closure('sshd', text)), undefined)
      await enforcer.close(texts.map((text) => timed('sshd', text, hourMs)))
      assert.deepEqual(await counts(), { sshd: 6, web: 0, all: 0 })
    })

    it('keeps closures of jails that stay when it is arranged again, and forgets the others', async () => {
      await enforcer.close(
        ['sshd', 'web'].flatMap((jail) => [timed(jail, '192.0.2.1', hourMs), timed(jail, '10.0.0.0/8', hourMs)]),
      )
      await enforcer.arrange([{ ...ssh, ports: 'all' }, everything])
      assert.deepEqual(await counts(), { sshd: 2, all: 0 })
      await enforcer.arrange([ssh, web])
      assert.deepEqual(await counts(), { sshd: 2, web: 0 })
      await holdsExactly([timed('sshd', '192.0.2.1', hourMs), timed('sshd', '10.0.0.0/8', hourMs)])
    })

    it('makes the closures exactly what is wanted and says what it did', async () => {
      const kept = [
        timed('sshd', '192.0.2.1', hourMs),
        timed('web', '2001:db8::1', undefined),
        timed('web', '10.0.0.0/8', hourMs),
      ]
      const foreign = [
        timed('sshd', '192.0.2.2', hourMs),
        timed('web', '172.16.0.0/12', hourMs),
        timed('web', '2001:db8::2', hourMs),
      ]
      const missing = [timed('all', '192.0.2.3', hourMs), timed('sshd', '2001:db8:1::/48', undefined)]
      const otherEnd = timed('sshd', '192.0.2.4', 2 * hourMs)
      await enforcer.close([...kept, ...foreign, { ...otherEnd, remainingMs: hourMs }])
      const wanted = [...kept, ...missing, otherEnd]
      assert.deepEqual(await enforcer.reconcile(wanted), { kept: 3, added: 3, removed: 3 })
      await holdsExactly(wanted)
      assert.deepEqual(await enforcer.reconcile([]), { kept: 0, added: 0, removed: wanted.length })
      assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 0 })
    })

    it('keeps the longer of nested networks closed, whichever is opened or ends first', async () => {
      const outer = timed('sshd', '10.0.0.0/8', hourMs)
      const inner = timed('sshd', '10.1.0.0/16', 5 * hourMs)
      const innermost = timed('sshd', '10.1.2.0/24', undefined)
      for (const order of [
        [outer, inner, innermost],
        [innermost, inner, outer],
        [inner, outer, innermost],
      ]) {
        for (const one of order) await enforcer.close([one])
        assert.deepEqual(await counts(), { sshd: 3, web: 0, all: 0 })
        await enforcer.open([outer])
        assert.deepEqual(await counts(), { sshd: 2, web: 0, all: 0 })
        await enforcer.open([inner])
        await holdsExactly([innermost])
        await enforcer.open([innermost])
        assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 0 })
      }
    })

    it('closes networks that touch, and those at the ends of the address space', async () => {
      const texts = ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1']
      const more = ['10.0.0.0/24', '10.0.1.0/24', '255.255.255.0/24', '255.255.254.0/24', 'ffff:ffff::/32', '::/128']
      const jails = { sshd: texts, web: more, all: ['0.0.0.0/0', '::/0'] }
      await enforcer.close(
        Object.entries(jails).flatMap(([jail, list]) => list.map((text) => timed(jail, text, hourMs))),
      )
      assert.deepEqual(await counts(), { sshd: 4, web: 6, all: 2 })
      await enforcer.open([closure('web', '10.0.0.0/24'), closure('web', '255.255.255.0/24'), closure('all', '::/0')])
      assert.deepEqual(await counts(), { sshd: 4, web: 4, all: 1 })
    })

    it('tells jails apart whatever their names are', async () => {
      await enforcer.arrange(hostileNames.map((jail) => ({ ...everything, jail })))
      for (const [i, jail] of hostileNames.entries()) await enforcer.close([timed(jail, `192.0.2.${i + 1}`, hourMs)])
      assert.deepEqual(await enforcer.count(), new Map(hostileNames.map((jail) => [jail, 1])))
      for (const [i, jail] of hostileNames.entries())
        for (let j = 0; j < hostileNames.length; j++) {
          if (options.name.includes('command') && j > 1) continue
          const drops = await enforcer.drops(closure(jail, `192.0.2.${j + 1}`))
          assert.equal(drops !== undefined, i === j, `${JSON.stringify(jail)} ${j}`)
        }
    })

    it('takes ends up to and beyond what the kernel can count', async () => {
      const closures = [
        kernelTimeoutMsMax - 1,
        kernelTimeoutMsMax,
        kernelTimeoutMsMax + 1,
        Number.MAX_SAFE_INTEGER,
        0.25,
      ].flatMap((remainingMs, i) => [
        timed('sshd', `192.0.2.${i}`, remainingMs),
        timed('sshd', `198.51.${i}.0/24`, remainingMs),
      ])
      await enforcer.close(closures)
      assert.ok(((await counts()).sshd ?? 0) >= 8)
    })

    it('closes and opens ten thousand in a call', async () => {
      const many = Array.from({ length: 10_000 }, (_, i) => timed('sshd', `10.9.${i >> 8}.${i & 255}`, hourMs))
      const networks = Array.from({ length: 500 }, (_, i) => timed('web', `2001:db8:${i.toString(16)}::/48`, hourMs))
      await enforcer.close([...many, ...networks])
      assert.deepEqual(await counts(), { sshd: 10_000, web: 500, all: 0 })
      await holdsExactly([...many, ...networks])
      await enforcer.open([...many.slice(1), ...networks.slice(1)])
      assert.deepEqual(await counts(), { sshd: 1, web: 1, all: 0 })
    })

    it('is cleared twice, and then knows no jail', async () => {
      await enforcer.close([timed('sshd', '192.0.2.1', hourMs)])
      await enforcer.clear()
      await enforcer.clear()
      assert.deepEqual(await counts(), {})
      await assert.rejects(enforcer.close([timed('sshd', '192.0.2.1', hourMs)]))
    })

    it('refuses a jail without ports, and one that is named twice', async () => {
      await assert.rejects(enforcer.arrange([{ ...ssh, ports: [] }]), /names no ports/)
      await assert.rejects(enforcer.arrange([{ ...ssh, protocols: [] }]), /no protocols/)
      await assert.rejects(enforcer.arrange([ssh, ssh]), /named twice/)
      await assert.rejects(enforcer.arrange([{ ...ssh, ports: [{ first: 22, last: 70000 }] }]), /port range 22-70000/)
      assert.deepEqual(await counts(), { sshd: 0, web: 0, all: 0 })
    })

    // One that keeps nothing outside of itself has nothing to find.
    if (!options.outlives) return
    it('finds what an earlier enforcer left in force', async () => {
      const left = [
        timed('sshd', '192.0.2.1', hourMs),
        timed('sshd', '10.0.0.0/8', hourMs),
        timed('web', '2001:db8::/32', undefined),
      ]
      await enforcer.close(left)
      enforcer.release()
      enforcer = options.make()
      await enforcer.arrange([ssh, web])
      assert.deepEqual(await counts(), { sshd: 2, web: 1 })
      await enforcer.close([timed('sshd', '10.1.0.0/16', 2 * hourMs)])
      await enforcer.open([closure('sshd', '10.1.0.0/16')])
      await holdsExactly(left)
    })
  })
}

const hostileNames = [
  'sshd',
  'SSHD',
  'ssh d',
  'ssh-d',
  'ssh_d',
  'ssh.2Dd',
  '',
  '.',
  '..',
  '-',
  '@all',
  'a; flush ruleset',
  'a"b\'c`d$e',
  '{ 1.2.3.4 }',
  'line\nbreak',
  'nul\0byte',
  '\u00fc\u00df\u{1f512}',
  'inet',
  'x'.repeat(100),
  'x'.repeat(101),
  'x'.repeat(102),
  '\u{1f512}'.repeat(500),
  `${'\u{1f512}'.repeat(499)}\u{1f513}`,
]
