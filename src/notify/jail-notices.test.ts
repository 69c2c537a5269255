import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { MailKit, noStock, stockActions, tagsOf } from '../../test/kit/mail-kit.js'
import type { ActionSpec } from '../domain/action-spec.js'
import { type ChildResult, runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { JailNotices, partNotices } from './jail-notices.js'

const kit = new MailKit()
after(() => kit.remove())
const tags = tagsOf({ ip: '192.0.2.7', failures: '5' })
const none = new AbortController().signal

function action(properties: Record<string, string>, name = 'tell'): ActionSpec {
  return { file: name, name, properties: Object.entries(properties), origin: { file: 'jail.local', line: 7 } }
}

/** Notices of these actions whose mailer is a function; each mail is its first line. */
function notices(actions: readonly ActionSpec[], answer: (text: string) => Promise<number> | number = () => 0) {
  const sent: string[] = []
  const logged: string[] = []
  const log: Log = { isOn: () => true, write: (level, _module, text) => logged.push(`${level} ${text}`) }
  const run: typeof runChild = async (_argv, { stdin = '', signal }) => {
    const exitCode = signal?.aborted ? 1 : await answer(stdin)
    sent.push(stdin.split('\n', 1)[0] ?? '')
    return { exitCode, stdout: '', stderr: 'reason', timedOut: false } satisfies ChildResult
  }
  const { notices } = partNotices('sshd', actions)
  const names = { full: 'host.example.org', short: 'host' }
  return { jail: new JailNotices({ jail: 'sshd', notices, clock: systemClock, log, names, run }), sent, logged }
}

const mail = (text: string) => `printf %b "${text}" | sendmail root`
const all = {
  actionstart: mail('start'),
  actionban: mail('ban <ip>'),
  actionunban: mail('unban <ip>'),
  actionstop: mail('stop'),
}

describe('the actions of a jail', () => {
  it('are parted into mails, commands for a shell, and what cannot be carried out', { skip: noStock }, () => {
    const actions = kit.actions(
      stockActions,
      'sendmail-whois[name=j]\n hostsdeny\n smtp.py[dest=a@example.org]\n sendmail-buffered[name=j]\n badips.py[key=x]',
    )
    const { notices, others, problems } = partNotices('j', actions)
    assert.deepEqual(
      notices.map(({ name }) => name),
      ['sendmail-whois', 'smtp'],
    )
    assert.deepEqual(
      others.map(({ file }) => file),
      ['hostsdeny', 'sendmail-buffered'],
    )
    assert.match(problems[0]?.message ?? '', /badips\.py is a Python program/)
    assert.match(problems[0]?.hint ?? '', /action\.d\/NAME\.conf.*webhook/)
    assert.equal(problems.length, 1)
  })
})

describe('the mails of a jail', () => {
  it('are sent one after another, in order, and the last one at the stop', async () => {
    const { jail, sent } = notices([action(all)])
    jail.start()
    jail.banned(tags, 'new')
    jail.unbanned(tags)
    await jail.stop(none)
    jail.banned(tags, 'new')
    assert.deepEqual(sent, ['start', 'ban 192.0.2.7', 'unban 192.0.2.7', 'stop'])
  })

  it('are not sent for restored bans where the action says so', async () => {
    const quiet = action({ actionban: mail('quiet <ip>'), norestored: 'True' }, 'quiet')
    const { jail, sent } = notices([action(all), quiet])
    jail.banned(tags, 'restored')
    jail.banned(tags, 'new')
    await jail.settled()
    assert.deepEqual(sent, ['ban 192.0.2.7', 'ban 192.0.2.7', 'quiet 192.0.2.7'])
  })

  it('go on when one fails, which is logged', async () => {
    const { jail, sent, logged } = notices([action(all)], (text) => (text.startsWith('ban') ? 75 : 0))
    jail.banned(tags, 'new')
    jail.unbanned(tags)
    await jail.settled()
    assert.deepEqual(sent, ['ban 192.0.2.7', 'unban 192.0.2.7'])
    assert.equal(logged.length, 1)
    assert.match(
      logged[0] ?? '',
      /^ERROR Failed to execute ban jail 'sshd' action 'tell': Cannot send mail by sendmail.*75.*reason/,
    )
  })

  it('that wait at a reload are sent as they were told, and those that follow as it says now', async () => {
    const { jail, sent } = notices([action(all)])
    jail.banned(tags, 'new')
    jail.replace(
      partNotices('sshd', [action({ ...all, actionunban: mail('free <ip>'), actionstop: mail('end') })]).notices,
    )
    jail.unbanned(tags)
    await jail.stop(none)
    assert.deepEqual(sent, ['ban 192.0.2.7', 'free 192.0.2.7', 'end'])
  })

  it('are dropped and counted when a thousand wait', async () => {
    const { jail, sent, logged } = notices([action(all)])
    for (let i = 0; i < 1500; i++) jail.banned(tags, 'new')
    await jail.settled()
    assert.equal(sent.length, 1000)
    assert.equal(logged.length, 1)
    assert.match(logged[0] ?? '', /^WARNING \[sshd\] mails that were not sent: 500/)
  })

  it('are dropped when they would fill the memory with lines of the log', async () => {
    const { jail, sent, logged } = notices([action(all)])
    for (let i = 0; i < 100; i++) jail.banned({ ...tags, textLength: 1 << 20 }, 'new')
    await jail.settled()
    assert.equal(sent.length, 16)
    assert.match(logged.join(), /^WARNING \[sshd\] mails that were not sent: 84/)
    jail.banned({ ...tags, textLength: 1 << 25 }, 'new')
    await jail.settled()
    assert.equal(sent.length, 17)
  })

  it('do not hold up a stop for longer than it allows', async () => {
    const deadline = new AbortController()
    let begun = () => {}
    const hanging = new Promise<void>((resolve) => {
      begun = resolve
    })
    const { notices: actions } = partNotices('sshd', [action({ actionban: mail('x'), actionstop: mail('stop') })])
    const run: typeof runChild = (_argv, options) => {
      begun()
      return runChild(['sleep', '600'], options)
    }
    const logged: string[] = []
    const log: Log = { isOn: () => true, write: (_level, _module, text) => logged.push(text) }
    const names = { full: 'h', short: 'h' }
    const jail = new JailNotices({ jail: 'sshd', notices: actions, clock: systemClock, log, names, run })
    jail.banned(tags, 'new')
    const stopped = jail.stop(deadline.signal)
    await hanging
    deadline.abort()
    await stopped
    assert.match(logged.join('\n'), /Failed to execute ban.*SIGTERM[\s\S]*mails that were not sent: 1/)
  })
})
