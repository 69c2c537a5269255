import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { it } from 'node:test'
import { ActionKit, action, freshFile as fresh } from './action-kit.js'
import { filesOf } from './shared-files.js'

it('finds the files that an action which undoes its bans may edit', () => {
  const table: [string, string[]][] = [
    ['printf %b "ALL: <ip>\\n" >> /etc/hosts.deny', ['/etc/hosts.deny']],
    ["sed -i '/^<ip>$/d' /etc/nginx//blocked.map; nginx -s reload", ['/etc/nginx/blocked.map']],
    ['/usr/sbin/ipfw add deny <ip> 2>/dev/null', []],
    ['curl -X POST https://example.org/ban/<ip> -o /run/x.json', ['/run/x.json']],
    ['sed "s/a/b/" /var/a /var/b', ['/var/a', '/var/b']],
    ['echo <ip> | /bin/nc 10.0.0.0/8', []],
  ]
  for (const [text, files] of table) {
    const found = filesOf([text], true)
    assert.deepEqual(
      found,
      files.map((file) => `file ${file}`),
      text,
    )
  }
})

it('finds those that an action which only tells of bans writes to', () => {
  const told = (text: string) => filesOf([text], false)
  assert.deepEqual(told('grep <ip> /var/log/auth.log | mail root'), [])
  assert.deepEqual(told('echo <ip> >> /run/mail.txt; wc -l /var/log/x'), ['file /run/mail.txt'])
  assert.deepEqual(told('echo <ip> > "/run/a b"'), ['file /run/a'])
  assert.deepEqual(told('cat << /run/x'), [])
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
