import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ourTrace } from './action-kit.js'
import {
  type JailEvent,
  noPeer,
  type PeerAction,
  type PeerBan,
  type PeerCase,
  peerTraces,
  stockActions,
  type Trace,
} from './peer-kit.js'

const seed = Math.trunc(Number(process.env.SEED ?? process.hrtime()[1]))

describe(`Fail2ban's actions and ours (SEED=${seed})`, { skip: noPeer ?? false }, () => {
  it('run the same commands for every action of the package', async () => {
    const stock = await stockActions(jails)
    assert(stock.length > 150, `${stock.length} actions`)
    const cases = stock.map(({ name, properties }) => ({ actions: [{ name, properties }], events: life, failing: [] }))
    await compare(cases, (at) => `${stock[at]?.file} in ${stock[at]?.jail}`)
  })

  it('do the same after any command has failed', async () => {
    const cases = fc.sample(caseOf, { seed, numRuns: 1000 })
    await compare(cases, (at) => `case ${at}: ${JSON.stringify(cases[at], undefined, 1)}`)
  })
})

async function compare(cases: readonly PeerCase[], name: (at: number) => string): Promise<void> {
  const traces = await peerTraces(cases)
  for (const [at, one] of cases.entries()) {
    const theirs = comparable(traces[at] ?? [])
    const ours = comparable(await ourTrace(one))
    const gaveUp = theirs.at(-1)?.[0] === 'raised'
    if (gaveUp) assert.deepEqual(ours.slice(0, theirs.length - 1), theirs.slice(0, -1), name(at))
    else assert.deepEqual(ours, theirs, name(at))
  }
}

/** Bans and unbans are told by others of ours; what Fail2ban prints of a function in memory is no fact, and the time of its empty ticket is that of its first use. */
function comparable(trace: Trace): Trace {
  return trace
    .filter(
      ([kind, , , text = '']) =>
        kind === 'run' || !/^\[jail\] (?:Ban|Restore Ban|Unban|\S+ already banned)\b/.test(text),
    )
    .filter(([kind, , , text = '']) => kind === 'run' || !text.endsWith('already banned'))
    .map((entry) => entry.map((text) => text.replace(/ info 'ActionInfo\(.*\)'/s, '').replace(/ip= time=\S+/, 'ip=')))
}

const jails = [
  { name: 'sshd', options: { port: 'ssh', protocol: 'tcp', chain: '<known/chain>' } },
  {
    name: 'web',
    options: {
      name: 'web-1',
      port: '80,443',
      protocol: 'tcp',
      dest: 'root@example.org',
      blocktype: 'DROP',
      lines: '2',
    },
  },
  {
    name: 'all',
    options: {
      port: '0:65535',
      protocol: 'udp',
      bantime: '3600',
      matches: '<ipjailmatches>',
      logpath: '/var/log/x.log',
    },
  },
]

const ban = (id: string, change: Partial<PeerBan> = {}): JailEvent => ({
  do: 'ban',
  ban: { id, timeS: 1795225800, seconds: 600, count: 1, failures: 5, restored: false, lines: [], data: {}, ...change },
})
const hostile = `it's "quoted" $(touch /x) \`id\`; <ip> & | * ? [a] {b} ~ ^ # \\n \r end`
const life: readonly JailEvent[] = [
  { do: 'start' },
  ban('198.51.100.7', { lines: ['one line', hostile], data: { user: 'root', 'x-y': hostile, fid: 'f', fport: '22' } }),
  ban('2001:db8::7', { timeS: 1795225800.25, seconds: -1, count: 3, data: { user: hostile } }),
  ban('198.51.100.8', { restored: true, lines: ['harmless'] }),
  { do: 'prolong', id: '198.51.100.7', seconds: 7200 },
  { do: 'unban', id: '198.51.100.7' },
  { do: 'unban', id: '2001:db8::7' },
  { do: 'flush' },
  ban('198.51.100.0/24'),
  ban(`some'body`, { data: { ip: '2001:db8::9' } }),
  ban('not-an-address'),
  { do: 'stop' },
]

const tags = [
  '<ip>',
  '<time>',
  '<bantime>',
  '<matches>',
  '<F-USER>',
  '<F-X-Y>',
  '<F-X_Y>',
  '<F-ID>',
  '<ip-rev>',
  '<nope>',
  '<fid>',
  '<bancount>',
  '<failures>',
  '<restored>',
  '<raw-ticket>',
  '<F-*>',
  '<family>',
  '<port>',
  '<ipmatches>',
  '<ipfailures>',
  '<ip-host>',
  '<br>',
  '<a<b>c>',
]
const texts = (verb: string) =>
  fc
    .tuple(fc.constantFrom(verb, `${verb} <port>`), fc.subarray(tags, { maxLength: 4 }))
    .map((parts) => parts.flat().join(' '))
const optional = (verb: string, name: string, other = fc.constant('')) =>
  fc.oneof(texts(verb), texts(verb), other).map((text): [string, string] => [name, text])

/**
 * NOTE: `actioncheck` only where every family starts and stops by texts of its own, and no ids without address beside it: where two families share
 * one, Fail2ban's repairs take it for done (spec 6.4, quirk), and ours do not.
 */
const actionOf = (name: string) =>
  fc
    .record({
      start: optional(`start-${name}`, 'actionstart'),
      stop: optional(`stop-${name}`, 'actionstop'),
      ban: optional(`ban-${name}`, 'actionban'),
      unban: optional(`unban-${name}`, 'actionunban'),
      flush: optional(`flush-${name}`, 'actionflush', fc.constant('')),
      check: optional(`check-${name}`, 'actioncheck'),
      repair: optional(`repair-${name}`, 'actionrepair'),
      more: fc.subarray<[string, string | boolean]>([
        ['actionreban', `reban-${name} <ip>`],
        ['actionprolong', `prolong-${name} <ip> <bantime>`],
        ['actionreload', `reload-${name}`],
        ['actionrepair_on_unban', true],
        ['norestored', true],
        ['port', 'a b'],
        ['ab', 'B'],
        ['b', 'b'],
        ['abc', '<port><sp>x'],
      ]),
      demand: fc.constantFrom<[string, boolean][]>(
        [],
        [['actionstart_on_demand', true]],
        [['actionstart_on_demand', false]],
      ),
      families: fc.subarray<[string, string]>([
        ['port?family=inet6', 'six'],
        ['actionban?family=inet6', `ban6-${name} <ip> <family>`],
        ['actionstart?family=inet4', `start4-${name} <family>`],
        ['actionstop?family=inet4', `stop4-${name}`],
      ]),
    })
    .map(({ more, demand, families, repair, start, stop, check, ...commands }): PeerAction => {
      const isChecked = families.length > 0 && check[1] !== ''
      const properties = [
        ...[start, stop].map(([key, text]) => [key, isChecked ? `${text} <family>` : text] as const),
        ...Object.values(commands),
        repair,
        isChecked ? check : (['actioncheck', ''] as const),
      ]
      return { name, properties: [...properties, ...more, ...demand, ...families] }
    })

const ids = ['198.51.100.7', '2001:db8::7', '198.51.100.8', 'raw']
const caseOf: fc.Arbitrary<PeerCase> = fc
  .record({
    actions: fc.tuple(actionOf('a'), actionOf('b')).chain(([a, b]) => fc.constantFrom([a], [a, b])),
    steps: fc.array(fc.record({ what: fc.nat(9), id: fc.constantFrom(...ids), restored: fc.boolean() }), {
      maxLength: 12,
    }),
    failing: fc.uniqueArray(fc.nat(20), { maxLength: 7 }),
  })
  .map(({ actions, steps, failing }) => ({ actions, failing, events: eventsOf(steps, actions) }))

/** Only what can happen: nobody is unbanned who is not banned. */
function eventsOf(
  steps: readonly { what: number; id: string; restored: boolean }[],
  actions: readonly PeerAction[],
): JailEvent[] {
  const banned = new Set<string>()
  const events: JailEvent[] = [{ do: 'start' }]
  const isChecked = actions.some(({ properties }) =>
    properties.some(([name, text]) => name === 'actioncheck' && text !== ''),
  )
  let nowS = 1795225900.5
  for (const { what, id, restored } of steps) {
    if (isChecked && id === 'raw') continue
    const isReloaded = events.some((event) => event.do === 'reload')
    nowS += 10
    if (!banned.has(id)) {
      banned.add(id)
      events.push(
        ban(id, {
          restored,
          timeS: restored ? 1795225800 : 1795225800.5,
          lines: ["it's"],
          data: { user: 'a', 'x-y': '*' },
        }),
      )
    } else if (what < 4) {
      banned.delete(id)
      events.push({ do: 'unban', id })
    } else if (what < 7) {
      // Without the action that was repaired, Fail2ban bans again by all others.
      if (!isReloaded) events.push({ do: 'repeat', id, lateS: what * 2 - 6, nowS })
    } else if (what === 7) events.push({ do: 'prolong', id, seconds: 7200 })
    else if (what === 8) {
      banned.clear()
      events.push({ do: 'flush' })
    } else events.push({ do: 'reload', actions: actions.slice(0, 1) })
  }
  return [...events, { do: 'stop' }]
}
