import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ActionKit, action, freshFile as fresh } from './action-kit.js'

const id = '203.0.113.7'

describe('the run of a command', () => {
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

  it('logs what a failed command printed, and a hint when it was not found', async () => {
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: `echo "it's out"; echo wrong >&2; /no-such-program <F-USER>` })])
    kit.ban('jail', id, { data: { user: '$(id)' } })
    await kit.settled()
    const lines = kit.logged.map((line) => line.replace(/[0-9a-f]{12}/, 'ID').slice(0, 130))
    assert.equal(
      lines[0],
      `ERROR utils ID -- exec: ['f2bV_F_user=$0 \\necho "it\\'s out"; echo wrong >&2; /no-such-program $f2bV_F_user', '$(id)']`,
    )
    assert.equal(lines[1], `ERROR utils ID -- stdout: "it's out"`)
    assert.equal(lines[2], `ERROR utils ID -- stderr: 'wrong'`)
    assert.match(lines[3] ?? '', /^ERROR utils ID -- stderr: '.*\/no-such-program.*not found'$/)
    assert.equal(lines[4], 'ERROR utils ID -- returned 127')
    assert.match(
      lines[5] ?? '',
      /^INFO utils HINT on 127: "Command not found"\. {2}Make sure that all commands in \['f2bV/,
    )
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
