import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { ActionKit, banOf, good, specOf } from './action-kit.js'
import type { PeerAction } from './peer-kit.js'

const directory = mkdtempSync(join(tmpdir(), 'tocsin-action-'))
after(() => rmSync(directory, { recursive: true }))
const id = '203.0.113.7'
let count = 0
const fresh = () => join(directory, `file-${count++}`)
const action = (name: string, properties: Record<string, string>): PeerAction => ({
  name,
  properties: Object.entries(properties),
})

/** Runs nothing, keeps the scripts. */
function recorder(fails: (script: string) => boolean = () => false) {
  const ran: string[] = []
  const run = ([, , script = '']: readonly string[]) => {
    ran.push(script)
    return Promise.resolve(fails(script) ? { ...good, exitCode: 3 } : good)
  }
  return { ran, run }
}

describe('JailActions', () => {
  it('runs real commands in the order of the configuration and stops in reverse', async () => {
    const file = fresh()
    const kit = new ActionKit()
    const both = ['a', 'b'].map((name) =>
      action(name, {
        actionstart: `echo ${name} start >> ${file}`,
        actionban: `echo ${name} ban <ip> <failures> >> ${file}`,
        actionunban: `echo ${name} unban <ip> >> ${file}`,
        actionstop: `echo ${name} stop >> ${file}`,
      }),
    )
    const jail = kit.jail('jail', both)
    void jail.start()
    kit.ban('jail', id)
    await jail.stop([banOf({ id })])
    // The ban still waited when the end came: it is neither made nor taken back.
    assert.deepEqual(readFileSync(file, 'utf8').split('\n').filter(Boolean), ['a start', 'b start', 'b stop', 'a stop'])
    const again = kit.jail('jail', both)
    await again.start()
    kit.ban('jail', id)
    await again.settled()
    await again.stop([banOf({ id })])
    const wanted = [
      'a start',
      'b start',
      `a ban ${id} 3`,
      `b ban ${id} 3`,
      `a unban ${id}`,
      `b unban ${id}`,
      'b stop',
      'a stop',
    ]
    assert.deepEqual(readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(4), wanted)
  })

  it('a slow action of one jail delays no other jail', async () => {
    const kit = new ActionKit()
    const marks = { fast: fresh(), slow: fresh() }
    // The slow one ends when it sees that the fast one has run: if it waited for the slow one, this would end by the time-out.
    kit.jail('slow', [
      action('x', {
        actionban: `while [ ! -e ${marks.fast} ]; do sleep 0.01; done; echo done > ${marks.slow}`,
        timeout: '20',
      }),
    ])
    kit.jail('fast', [action('x', { actionban: `[ ! -e ${marks.slow} ] && echo done > ${marks.fast}` })])
    kit.ban('slow', id)
    kit.ban('fast', id)
    await kit.settled()
    assert(existsSync(marks.fast) && existsSync(marks.slow))
    assert.deepEqual(kit.logged, [])
  })

  it('ends an action that takes too long with all of its children, and says so', async () => {
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: 'sleep 60 & sleep 60', timeout: '0.05' })])
    kit.ban('jail', id)
    await kit.settled()
    const lines = kit.logged.map((line) => line.replace(/[0-9a-f]{12}/, 'ID'))
    const once = [
      'ERROR utils ID -- exec: sleep 60 & sleep 60',
      'ERROR utils ID -- timed out after 0.05 seconds.',
      'ERROR utils ID -- killed with SIGTERM (return code: -15)',
    ]
    const what = `jail 'jail' action 'x' info 'ActionInfo({'ip': '${id}', 'family': 'inet4', 'fid': '${id}'})'`
    assert.deepEqual(lines, [...once, ...once, `ERROR actions Failed to execute ban ${what}: Error banning ${id}`])
    assert.equal(kit.jails.get('jail')?.trouble, `action "x": Error banning ${id}`)
  })

  it('takes a minute for a time-out that is no time, and says so', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: 'ban <ip> <timeout>', timeout: 'soon' })], { run })
    kit.ban('jail', id)
    await kit.settled()
    assert.deepEqual(ran, [`ban ${id} 60`])
    assert.deepEqual(kit.logged, [`ERROR actions [jail] action 'x': timeout "soon" is not a time; it is 60 seconds`])
  })

  it('logs what a failed command printed, and a hint when it was not found', async () => {
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: `echo "it's out"; echo wrong >&2; no-such-program <F-USER>` })])
    kit.ban('jail', id, { data: { user: '$(id)' } })
    await kit.settled()
    const lines = kit.logged.map((line) => line.replace(/[0-9a-f]{12}/, 'ID').slice(0, 130))
    assert.equal(
      lines[0],
      `ERROR utils ID -- exec: ['f2bV_F_user=$0 \\necho "it\\'s out"; echo wrong >&2; no-such-program $f2bV_F_user', '$(id)']`,
    )
    assert.equal(lines[1], `ERROR utils ID -- stdout: "it's out"`)
    assert.equal(lines[2], `ERROR utils ID -- stderr: 'wrong'`)
    assert.match(lines[3] ?? '', /^ERROR utils ID -- stderr: '.*no-such-program.*not found'$/)
    assert.equal(lines[4], 'ERROR utils ID -- returned 127')
    assert.match(
      lines[5] ?? '',
      /^INFO utils HINT on 127: "Command not found"\. {2}Make sure that all commands in \['f2bV/,
    )
  })

  it('repairs what somebody else has broken, at the first failure', async () => {
    const [set, log] = [fresh(), fresh()]
    const kit = new ActionKit()
    const jail = kit.jail('jail', [
      action('x', {
        actionstart: `echo start >> ${log}; touch ${set}`,
        actionstop: `echo stop >> ${log}; rm -f ${set}`,
        actioncheck: `[ -e ${set} ]`,
        actionban: `[ -e ${set} ] && echo <ip> >> ${set}`,
      }),
    ])
    await jail.start()
    kit.ban('jail', id)
    await jail.settled()
    rmSync(set)
    kit.ban('jail', '203.0.113.8')
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), '203.0.113.8\n')
    assert.equal(readFileSync(log, 'utf8'), 'start\nstop\nstart\n')
    assert(kit.logged.includes('ERROR CommandAction Invariant check failed. Trying to restore a sane environment'))
    assert.equal(jail.trouble, undefined)
    // The first one was lost with the set; he is banned again when he is seen again.
    jail.repeated(banOf({ id }), 1000)
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), `203.0.113.8\n${id}\n`)
    assert(kit.logged.includes(`NOTICE actions [jail] Reban ${id}, action 'x'`))
    jail.repeated(banOf({ id }), 1000)
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), `203.0.113.8\n${id}\n`)
  })

  it('empties 100,000 bans with one command where the action has one', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail(
      'jail',
      [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip>', actionflush: 'flush', actionstop: 'stop' })],
      { run },
    )
    kit.ban('jail', id)
    await jail.settled()
    const bans = Array.from({ length: 100_000 }, (_, i) => banOf({ id: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }))
    let told = 0
    await jail.stop(bans, { told: () => told++ })
    assert.deepEqual(ran, [`ban ${id}`, 'flush', 'stop'])
    assert.equal(told, 100_000)
    assert.deepEqual(kit.logged, ['NOTICE actions [jail] Flush ticket(s) with x'])
  })

  it('keeps only the last state of each id when too much waits, and loses no unban', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    let release = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip>' })], {
      waitingMax: 2,
      run: (argv) => slow.then(() => run(argv)),
    })
    for (const who of ['a', 'b', 'c']) kit.ban('jail', who)
    await new Promise(setImmediate) // the first is on its way now
    kit.ban('jail', 'd')
    kit.unban('jail', 'd') // never made
    kit.unban('jail', 'a')
    kit.ban('jail', 'a')
    kit.ban('jail', 'e')
    release()
    await jail.settled()
    assert.deepEqual(ran, ['ban a', 'ban b', 'ban c', 'unban a', 'ban a', 'ban e'])
    assert.deepEqual(kit.logged, [
      'WARNING actions [jail] 2 bans and unbans wait for its actions, of what comes now only the last state of each id is kept',
      'NOTICE actions [jail] Its actions have caught up; 1 bans ended before their turn came',
    ])
  })

  it('starts an action that a reload adds and bans by it who is banned now', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const one = action('one', {
      actionstart: 'start1',
      actionban: 'ban1 <ip>',
      actionunban: 'unban1 <ip>',
      actionstop: 'stop1',
      actionreload: 'reload1 <port>',
      port: '22',
    })
    const two = action('two', { actionstart: 'start2', actionban: 'ban2 <ip> <restored>' })
    const jail = kit.jail('jail', [one], { run })
    await jail.start()
    kit.ban('jail', id)
    await jail.replace(
      [specOf({ ...one, properties: [...one.properties, ['port', '80']] }), specOf(two)],
      [banOf({ id })],
    )
    assert.deepEqual(ran.splice(0), ['start1', `ban1 ${id}`, 'reload1 80', 'start2', `ban2 ${id} 1`])
    await jail.replace([specOf(two)], [banOf({ id })])
    assert.deepEqual(ran, [`unban1 ${id}`, 'stop1'])
    assert.deepEqual(jail.names(), ['two'])
  })

  it('does not send old news of restored bans, nor prolongs by actions that cannot', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail(
      'jail',
      [
        action('mail', { actionban: 'mail <ip>', norestored: 'true' }),
        action('set', { actionban: 'add <ip> <time>', actionprolong: 'prolong <ip> <bantime>' }),
      ],
      { run },
    )
    kit.ban('jail', id, { startMs: 1795225800_000 }, true)
    jail.prolonged(banOf({ id, durationMs: undefined }))
    await jail.settled()
    assert.deepEqual(ran, [`add ${id} 1795225800`, `prolong ${id} -1`])
  })

  it('knows at the unban whom it has banned, also when nobody else does any more', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip> <F-USER> <fid>' })], {
      run,
    })
    kit.ban('jail', 'bob', { data: { ip: id, user: 'bob', other: 'x' } })
    await jail.settled()
    // An unban by hand deletes the ban from the store first.
    kit.unban('jail', 'bob')
    await jail.settled()
    assert.deepEqual(ran, [`ban ${id}`, `unban ${id} bob bob`])
  })

  it('stops at once when it is abandoned', async () => {
    const kit = new ActionKit()
    const jail = kit.jail('jail', [action('x', { actionban: 'sleep 60', actionunban: 'sleep 60' })])
    kit.ban('jail', id)
    kit.ban('jail', '203.0.113.8')
    await new Promise(setImmediate)
    jail.abandon()
    await jail.settled()
    assert.equal(jail.waiting, 0)
  })

  it('goes on when the store cannot be read', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const fail = () => {
      throw new Error('disk I/O error')
    }
    const world = {
      figures: fail,
      banTimeMs: () => undefined,
      hostOf: fail,
      history: fail,
      lastOf: fail,
      othersHolding: () => [],
    }
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip> <ipfailures>', actionunban: 'unban <ip>' })], {
      run,
      world,
    })
    kit.ban('jail', id)
    kit.unban('jail', id)
    await jail.settled()
    assert.deepEqual(ran, [`ban ${id} 3`, `unban ${id}`])
  })

  it('takes other properties without running actionreload, and methods, at the word of an operator', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const first = action('x', {
      actionban: 'ban <ip> <port>',
      actionreload: 'reload',
      actionstop: 'stop <port>',
      port: '22',
    })
    const jail = kit.jail('jail', [first], { run })
    await jail.start()
    await jail.replace([specOf({ ...first, properties: [...first.properties, ['port', '80']] })], [], {
      isReload: false,
    })
    kit.ban('jail', id)
    await jail.settled()
    await jail.call('x', 'reload')
    await jail.call('x', 'stop')
    assert.deepEqual(ran, [`ban ${id} 80`, 'reload', 'stop 80'])
    assert.equal(jail.call('x', 'executeCmd'), undefined)
    assert.equal(jail.call('nobody', 'stop'), undefined)
  })

  it('runs commands in / with a closed mask and none of our files', async () => {
    const [file, secret] = [fresh(), fresh()]
    const kit = new ActionKit()
    kit.jail('jail', [
      action('x', { actionban: `pwd > ${file}; umask >> ${file}; ls -l /proc/self/fd > ${file}-open` }),
    ])
    const mask = process.umask()
    const descriptor = openSync(secret, 'w')
    kit.ban('jail', id)
    await kit.settled()
    closeSync(descriptor)
    assert.equal(readFileSync(file, 'utf8'), '/\n0077\n')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(readFileSync(`${file}-open`, 'utf8').includes(secret), false)
    assert.equal(process.umask(), mask)
  })
})

describe('a value of an attacker', () => {
  const attacks = [
    '$(touch CANARY)',
    '`touch CANARY`',
    '; touch CANARY',
    '\n touch CANARY\n',
    '| touch CANARY',
    `' ; touch CANARY ; '`,
    '" ; touch CANARY ; "',
    '&& touch CANARY',
    '\r\n~!touch CANARY',
    '\0; touch CANARY',
    '<ip> <matches> $f2bV_F_user $0',
    '> CANARY',
    '\n~!\n',
    '\\',
    `${'ü€𝒳'.repeat(9000)};`,
    'a'.repeat(200_000),
    `${'b '.repeat(100_000)};touch CANARY`,
    '-e -n %s %n',
    '\u001b]0;x\u0007',
  ] as const

  it('reaches the command whole and is never run, whatever tag it comes by', async () => {
    const canary = fresh()
    const out = fresh()
    const kit = new ActionKit()
    const tags = ['ip', 'fid', 'matches', 'ipmatches', 'ipjailmatches', 'F-USER', 'F-A-B', 'F-*', 'raw-ticket', 'nope']
    const script = tags.map((tag) => `printf %s "<${tag}>" > ${out}-${tag.replace('*', 'all')}`).join('\n')
    kit.jail('jail', [action('x', { actionban: script })])
    for (const attack of attacks) {
      const text = attack.replaceAll('CANARY', canary)
      kit.ban('jail', text, { lines: [text], data: { user: text, 'a-b': text } })
      await kit.settled()
      const got = readFileSync(`${out}-F-USER`, 'utf8')
      const sent = text.replaceAll('\0', '')
      // What is too long for one argument of a program keeps its end.
      assert(
        Buffer.byteLength(sent) > 120_000 ? sent.endsWith(got) && got.length > 39_000 : got === sent,
        JSON.stringify(attack.slice(0, 80)),
      )
      assert.equal(readFileSync(`${out}-matches`, 'utf8'), got)
      assert.equal(readFileSync(`${out}-nope`, 'utf8'), '<nope>')
      assert.equal(existsSync(canary), false, JSON.stringify(attack.slice(0, 80)))
    }
    assert.deepEqual(
      kit.logged.map((line) => line.slice(0, 300)),
      [],
    )
  })

  it('cannot take the place of another', async () => {
    const out = fresh()
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: `printf '%s\\n' "<F-A_B>" "<F-A-B>" "<F-A_B>" > ${out}` })])
    kit.ban('jail', id, { data: { a_b: '*one', 'a-b': '*two' } })
    await kit.settled()
    assert.equal(readFileSync(out, 'utf8'), '*one\n*two\n*one\n')
  })

  it('fits in more than ten variables', async () => {
    const out = fresh()
    const names = Array.from({ length: 12 }, (_, i) => `x${i}`)
    const kit = new ActionKit()
    kit.jail('jail', [
      action('x', {
        actionban: `printf '%s ' ${names.map((name) => `"<F-${name.toUpperCase()}>"`).join(' ')} > ${out}`,
      }),
    ])
    kit.ban('jail', id, { data: Object.fromEntries(names.map((name) => [name, `*${name}`])) })
    await kit.settled()
    assert.equal(readFileSync(out, 'utf8'), names.map((name) => `*${name} `).join(''))
  })
})

it('a definition that leads back to itself runs nothing and is told', async () => {
  const kit = new ActionKit()
  const jail = kit.jail('jail', [action('x', { actionstart: 'echo <a>', actionban: 'echo <a>', a: '<b>', b: '<a>' })], {
    run: runChild,
  })
  await jail.start()
  kit.ban('jail', id)
  await kit.settled()
  assert.match(
    kit.logged[0] ?? '',
    /^ERROR actions Failed to start jail 'jail' action 'x': Error starting action Jail\('jail'\)\/x: ValueError\('properties contain self referencing definitions/,
  )
  assert.match(
    kit.logged[1] ?? '',
    /^ERROR actions Failed to execute ban jail 'jail' action 'x' .*: properties contain self referencing/,
  )
})

it('one who edits a file waits for another who does', async () => {
  const file = fresh()
  writeFileSync(file, '')
  const kit = new ActionKit()
  for (const jail of ['one', 'two'])
    kit.jail(jail, [
      action(`own-${jail}`, {
        actionban: `n=$(cat ${file}); sleep 0.001; echo "$((n+1))" > ${file}`,
        actionunban: 'true',
      }),
    ])
  for (let i = 0; i < 15; i++) for (const jail of ['one', 'two']) kit.ban(jail, `203.0.113.${i}`)
  await kit.settled()
  assert.equal(readFileSync(file, 'utf8'), '30\n')
})
