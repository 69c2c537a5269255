import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SwitchableEnforcer, setUpBans } from '../../test/kit/bans-kit.js'
import type { Audit, AuditRequest, Drops, ForeignChange } from '../domain/enforcer.js'
import { Auditing } from './auditing.js'
import { JailDrops } from './jail-drops.js'
import { nothingFound } from './reconciling-audit.js'

const minuteMs = 60_000
const clean: Audit = { ...nothingFound, wanted: 1, enforced: 1 }

/** Finds what a test has put there, and tells what it wants of the kernel's news. */
class AuditedEnforcer extends SwitchableEnforcer {
  override readonly kind = 'netlink' as never
  readonly requests: AuditRequest[] = []
  finding: Partial<Audit> = {}
  tookMs = 0
  change: ((change: ForeignChange) => void) | undefined
  pass: (ms: number) => void = () => {}

  async audit(request: AuditRequest): Promise<Audit> {
    this.requests.push(request)
    this.pass(this.tookMs)
    return { ...clean, ...this.finding }
  }

  watch(onChange: (change: ForeignChange) => void): () => void {
    this.change = onChange
    return () => {
      this.change = undefined
    }
  }
}

describe('auditing', () => {
  let enforcer: AuditedEnforcer
  let house: ReturnType<typeof setUpBans>
  let auditing: Auditing
  let everyMs: number

  beforeEach(async () => {
    enforcer = new AuditedEnforcer()
    house = setUpBans({ enforcer })
    everyMs = minuteMs
    const { clock, log, bans } = house
    enforcer.pass = (ms) => clock.turn(ms)
    auditing = new Auditing({ clock, log, enforcer, bans, jails: () => new Set(['sshd']), everyMs: () => everyMs })
    house.bans.enact(house.ban('192.0.2.1', { durationMs: undefined }))
    await house.bans.settled()
    auditing.start()
  })

  /** Turns the clock, and lets everything happen that hangs on it. */
  async function pass(ms: number): Promise<void> {
    house.clock.turn(ms)
    for (let i = 0; i < 5; i++) await setImmediate()
  }
  const said = () => house.log.lines.filter((line) => /Audit|Somebody/.test(line))
  const elements = (touched?: ForeignChange['touched']): ForeignChange => ({
    isStructure: false,
    touched,
    by: 'nft (pid 7)',
  })

  it('looks every minute, and says nothing when nothing is wrong', async () => {
    for (let i = 0; i < 3; i++) await pass(minuteMs)
    assert.equal(enforcer.requests.length, 3)
    assert.deepEqual(said(), [])
    assert.equal(auditing.account.audits, 3)
  })

  it('never takes more than a tenth of the time', async () => {
    enforcer.tookMs = 20_000
    await pass(minuteMs)
    await pass(9 * 20_000 - 1)
    assert.equal(enforcer.requests.length, 1)
    await pass(1)
    assert.equal(enforcer.requests.length, 2)
  })

  it('does so as often as the settings say, from when they are changed', async () => {
    everyMs = 0
    auditing.replan()
    await pass(10 * minuteMs)
    assert.equal(enforcer.requests.length, 0)
    everyMs = 1000
    auditing.replan()
    await pass(1000)
    assert.equal(enforcer.requests.length, 1)
  })

  it('tells what was wrong, and of the same foreign ones once', async () => {
    const examples = { missing: ['sshd 192.0.2.1'], foreign: ['sshd 192.0.2.9'] }
    enforcer.finding = { missing: 1, repaired: 1, foreign: 1, examples }
    await pass(minuteMs)
    enforcer.finding = { foreign: 1, examples }
    await pass(minuteMs)
    await pass(minuteMs)
    assert.equal(said().length, 1)
    assert.match(
      said()[0] ?? '',
      /Audit: 1 missing \(sshd 192\.0\.2\.1\); 1 put right; 1 that nobody wants \(sshd 192\.0\.2\.9\), 0 removed/,
    )
    assert.deepEqual([auditing.account.missingTotal, auditing.account.foreignTotal], [1, 3])
  })

  it('repairs what others do at once, and gathers what they do meanwhile', async () => {
    enforcer.finding = { missing: 1, repaired: 1 }
    enforcer.change?.(elements({ closures: [], networks: true }))
    for (let i = 0; i < 50; i++) enforcer.change?.(elements({ closures: [], networks: false }))
    await pass(0)
    assert.equal(enforcer.requests.length, 1)
    assert.deepEqual(enforcer.requests[0]?.only, { closures: [], networks: true })
    await pass(1000)
    assert.equal(enforcer.requests.length, 2)
    await pass(1000)
    assert.equal(enforcer.requests.length, 2)
    assert.equal(auditing.account.foreignChanges, 51)
    assert.match(said()[0] ?? '', /Somebody \(nft \(pid 7\)\) has changed the firewall's table: 1 missing; 1 put right/)
  })

  it('looks at everything when news were lost, or the table itself was changed', async () => {
    enforcer.change?.(elements())
    await pass(1000)
    enforcer.change?.({ isStructure: true, touched: undefined, by: undefined })
    await pass(1000)
    assert.deepEqual(
      enforcer.requests.map(({ only }) => only),
      [undefined, undefined],
    )
  })

  it('does not fill the log when somebody undoes our repairs again and again', async () => {
    enforcer.finding = { missing: 1, repaired: 1 }
    for (let i = 0; i < 100; i++) {
      enforcer.change?.(elements({ closures: [], networks: false }))
      await pass(500)
    }
    assert.equal(enforcer.requests.length, 100)
    assert.equal(said().length, 10)
    await pass(minuteMs)
    assert.match(said().at(-1) ?? '', /\(90 more before, untold\)/)
  })

  it('shows a ban that is not in force as not enforced, until it is', async () => {
    await auditing.audit({ removeForeign: false })
    const request = enforcer.requests[0] ?? assert.fail('nothing was asked')
    const [closure = assert.fail('nothing is wanted')] = [...request.wanted()]
    assert.equal(closure.ip.text, '192.0.2.1')
    for (const isEnforced of [false, true]) {
      request.onFound(closure, isEnforced)
      assert.equal(house.bans.live.get('sshd', '192.0.2.1')?.isEnforced, isEnforced)
    }
    house.bans.lift('192.0.2.1')
    assert.equal(request.wantedNow(closure), undefined)
  })

  it('says why when it cannot look', async () => {
    enforcer.audit = () => Promise.reject(new Error('no netlink'))
    assert.equal((await auditing.audit({ removeForeign: false })).trouble, 'no netlink')
    assert.match(said()[0] ?? '', /Audit: not repaired: no netlink/)
  })

  it('ends with the daemon, and hears nothing more', async () => {
    const { change } = enforcer
    await auditing.close()
    change?.(elements())
    await pass(10 * minuteMs)
    assert.equal(enforcer.requests.length, 0)
    assert.equal(enforcer.change, undefined)
  })
})

it('counts on where the counters of the kernel begin anew', async () => {
  let now: Drops = { packets: 5, bytes: 500 }
  const enforcer = Object.assign(new SwitchableEnforcer(), { dropsByJail: async () => new Map([['sshd', now]]) })
  const drops = new JailDrops(enforcer)
  const read = async () => (await drops.read())?.get('sshd')
  assert.deepEqual(await read(), { packets: 5, bytes: 500 })
  now = { packets: 2, bytes: 200 }
  assert.deepEqual(await read(), { packets: 7, bytes: 700 })
  assert.deepEqual(await read(), { packets: 7, bytes: 700 })
  now = { packets: 3, bytes: 300 }
  assert.deepEqual(await read(), { packets: 8, bytes: 800 })
  enforcer.dropsByJail = () => Promise.reject(new Error('no'))
  assert.equal(await drops.read(), undefined)
})
