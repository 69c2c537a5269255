import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { ActionKit, good } from './action-kit.js'
import { noPeer, type PeerAction, stockActions } from './peer-kit.js'

const directory = mkdtempSync(join(tmpdir(), 'tocsin-hold-'))
after(() => rmSync(directory, { recursive: true }))
const id = '203.0.113.7'

/** A block list that knows nothing of jails: one file for all. */
function blockList(more: PeerAction['properties'] = []): PeerAction {
  const file = join(directory, `list-${count++}`)
  writeFileSync(file, '')
  return {
    name: 'list',
    properties: [
      ['actionban', 'echo "<ip>" >> <file>'],
      ['actionunban', 'sed -i "/^<ip>$/d" <file>'],
      ['file', file],
      ...more,
    ],
  }
}
let count = 0
const listed = ({ properties }: PeerAction) =>
  readFileSync(String(new Map(properties).get('file')), 'utf8')
    .split('\n')
    .filter(Boolean)

describe('an unban', () => {
  it('waits for the last jail that bans by the same command', async () => {
    const kit = new ActionKit()
    const list = blockList()
    for (const jail of ['short', 'long']) await kit.jail(jail, [list]).start()
    kit.ban('short', id)
    kit.ban('long', id)
    await kit.settled()
    kit.unban('short', id)
    await kit.settled()
    assert.deepEqual(listed(list), [id, id])
    assert.match(
      kit.logged.join('\n'),
      /INFO actions \[short\] action 'list': 203\.0\.113\.7 stays banned, jail 'long'/,
    )
    kit.unban('long', id)
    await kit.settled()
    assert.deepEqual(listed(list), [])
  })

  it('also waits where the bans differ and only their ends are the same', async () => {
    const kit = new ActionKit()
    const ran: string[] = []
    const action = (port: string): PeerAction => ({
      name: 'rules',
      properties: [
        ['actionban', `rule add <ip> ${port}`],
        ['actionunban', 'rule delete <ip>'],
      ],
    })
    const run = ([, , script = '']: readonly string[]) => {
      ran.push(script)
      return Promise.resolve(good)
    }
    kit.jail('ssh', [action('22')], { run })
    kit.jail('web', [action('80')], { run })
    kit.ban('ssh', id)
    kit.ban('web', id)
    await kit.settled()
    kit.unban('ssh', id)
    await kit.settled()
    assert.equal(ran.length, 2)
    kit.unban('web', id)
    await kit.settled()
    assert.deepEqual(ran, [`rule add ${id} 22`, `rule add ${id} 80`, `rule delete ${id}`, `rule delete ${id}`])
  })

  it('waits for nobody where the commands name the jail', async () => {
    const kit = new ActionKit()
    const list = blockList()
    const named = (name: string): PeerAction => ({
      name: 'list',
      properties: [
        ['actionban', `echo ${name} <ip> >> <file>`],
        ['actionunban', `sed -i "/^${name} <ip>$/d" <file>`],
        ['file', String(new Map(list.properties).get('file'))],
      ],
    })
    kit.jail('short', [named('short')])
    kit.jail('long', [named('long')])
    kit.ban('short', id)
    kit.ban('long', id)
    await kit.settled()
    kit.unban('short', id)
    await kit.settled()
    assert.deepEqual(listed(list), [`long ${id}`])
  })

  it('is not held by a jail whose ban was never made', async () => {
    const kit = new ActionKit()
    const list = blockList([['norestored', '1']])
    for (const jail of ['short', 'long']) kit.jail(jail, [list])
    kit.ban('short', id)
    kit.ban('long', id, {}, true)
    await kit.settled()
    kit.unban('short', id)
    await kit.settled()
    assert.deepEqual(listed(list), [])
  })

  it('cannot undo a ban that is made at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const kit = new ActionKit()
      const list = blockList()
      for (const jail of ['one', 'two']) await kit.jail(jail, [list]).start()
      kit.ban('one', id)
      await kit.settled()
      // Both orders: the ban comes while the unban waits or runs.
      if (round % 2 === 0) kit.ban('two', id)
      kit.unban('one', id)
      if (round % 2 === 1) kit.ban('two', id)
      await kit.settled()
      assert(listed(list).includes(id))
    }
  })

  it('comes as often as the bans came, for lists that keep duplicates', async () => {
    const kit = new ActionKit()
    const list = blockList([['actionunban', 'sed -i "0,/^<ip>$/{/^<ip>$/d}" <file>']])
    for (const jail of ['one', 'two', 'three']) kit.jail(jail, [list])
    for (const jail of ['one', 'two', 'three']) kit.ban(jail, id)
    await kit.settled()
    assert.deepEqual(listed(list), [id, id, id])
    for (const jail of ['two', 'one']) {
      kit.unban(jail, id)
      await kit.settled()
      assert.deepEqual(listed(list), [id, id, id])
    }
    kit.unban('three', id)
    await kit.settled()
    assert.deepEqual(listed(list), [])
  })

  it('comes when the jail for which it waited stops before it has banned', async () => {
    const kit = new ActionKit()
    const list = blockList()
    let release = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    kit.jail('short', [list])
    const news: PeerAction = { name: 'news', properties: [['actionban', 'news <ip>']] }
    const long = kit.jail('long', [news, list], {
      run: async (argv, limits) => {
        if (!argv[2]?.startsWith('news')) return runChild(argv, limits)
        if (argv[2].includes('203.0.113.9')) await slow
        return good
      },
    })
    kit.ban('short', id)
    kit.ban('long', '203.0.113.8')
    await kit.settled()
    kit.ban('long', '203.0.113.9')
    kit.ban('long', id) // waits behind the slow one
    kit.unban('short', id)
    await kit.jails.get('short')?.settled()
    const stopped = long.stop([...(kit.live.get('long')?.values() ?? [])])
    kit.live.get('long')?.clear()
    release()
    await stopped
    assert.deepEqual(listed(list), [])
  })

  it('comes in the end when all jails stop together', async () => {
    const kit = new ActionKit()
    const list = blockList()
    for (const jail of ['one', 'two', 'three']) kit.jail(jail, [list])
    for (const jail of ['one', 'two', 'three']) for (const who of [id, '203.0.113.8']) kit.ban(jail, who)
    await kit.settled()
    await Promise.all([...kit.jails].map(([name, jail]) => jail.stop([...(kit.live.get(name)?.values() ?? [])])))
    assert.deepEqual(listed(list), [])
  })

  it('goes on when it is the last, however the others ended', async () => {
    const kit = new ActionKit()
    const list = blockList()
    for (const jail of ['one', 'two']) kit.jail(jail, [list])
    kit.ban('one', id)
    kit.ban('two', id)
    await kit.settled()
    const stopped = kit.jails.get('one')?.stop([...(kit.live.get('one')?.values() ?? [])])
    await stopped
    kit.live.get('one')?.clear()
    assert.deepEqual(listed(list), [id, id])
    kit.unban('two', id)
    await kit.settled()
    assert.deepEqual(listed(list), [])
  })
})

describe('actions of the package that know no jail', { skip: noPeer ?? false }, () => {
  const stock = async (file: string, options: Record<string, string>) => {
    const jails = ['short', 'long'].map((name) => ({ name, options }))
    return (await stockActions(jails)).filter((action) => action.file === file)
  }

  it('hostsdeny keeps the line of the longer ban', async () => {
    const file = join(directory, 'hosts.deny')
    writeFileSync(file, '# by hand\n')
    const kit = new ActionKit()
    for (const action of await stock('hostsdeny', { file })) kit.jail(action.jail, [action])
    for (const who of [id, '2001:db8::7']) for (const jail of ['short', 'long']) kit.ban(jail, who)
    await kit.settled()
    for (const who of [id, '2001:db8::7']) kit.unban('short', who)
    await kit.settled()
    const lines = () => [...new Set(readFileSync(file, 'utf8').split('\n'))].filter(Boolean).sort()
    assert.deepEqual(lines(), ['# by hand', 'ALL: 203.0.113.7', 'ALL: [2001:db8::7]'])
    for (const who of [id, '2001:db8::7']) kit.unban('long', who)
    await kit.settled()
    assert.deepEqual(lines(), ['# by hand'])
  })

  it('hostsdeny loses no line when two jails edit it at once', async () => {
    const file = join(directory, 'hosts.deny.2')
    writeFileSync(file, '')
    const kit = new ActionKit()
    for (const action of await stock('hostsdeny', { file })) kit.jail(action.jail, [action])
    for (let i = 0; i < 40; i++) {
      kit.ban('short', `198.51.100.${i}`)
      kit.ban('long', `203.0.113.${i}`)
      if (i > 0) kit.unban('short', `198.51.100.${i - 1}`)
    }
    await kit.settled()
    const wanted = ['ALL: 198.51.100.39', ...Array.from({ length: 40 }, (_, i) => `ALL: 203.0.113.${i}`)]
    assert.deepEqual(readFileSync(file, 'utf8').split('\n').filter(Boolean).sort(), wanted.sort())
  })

  for (const [file, options, program] of [
    ['shorewall', {}, 'shorewall'],
    ['ipfw', { port: '22' }, 'ipfw'],
  ] as const)
    it(`${file} is told of the end when the last jail lifts its ban`, async () => {
      const record = join(directory, `${program}.log`)
      const bin = join(directory, program)
      writeFileSync(
        bin,
        `#!/bin/sh\necho "$*" >> ${record}\n[ "$1" = list ] && echo "00100 deny ip from ${id} to any"\nexit 0\n`,
      )
      chmodSync(bin, 0o755)
      const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` }
      const kit = new ActionKit()
      for (const action of await stock(file, options)) {
        kit.jail(action.jail, [action], {
          run: (argv, limits) => runChild(argv, { ...limits, env }),
        })
      }
      for (const jail of ['short', 'long']) kit.ban(jail, id)
      await kit.settled()
      const before = readFileSync(record, 'utf8')
      kit.unban('short', id)
      await kit.settled()
      assert.equal(readFileSync(record, 'utf8'), before)
      kit.unban('long', id)
      await kit.settled()
      const said = readFileSync(record, 'utf8').slice(before.length)
      assert.equal(said, (file === 'ipfw' ? 'list\ndelete 00100\n' : `allow ${id}\n`).repeat(2))
      assert.deepEqual(
        kit.logged.filter((line) => line.startsWith('ERROR')),
        [],
      )
    })
})
