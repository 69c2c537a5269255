import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { MailKit } from '../../test/kit/mail-kit.js'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { SmtpSink } from '../../test/kit/smtp-sink.js'
import { WebSink } from '../../test/kit/web-sink.js'
import type { Ban } from '../domain/ban.js'
import type { Log } from '../lib/log.js'
import { Notifier } from './notifier.js'
import type { WrittenSettings } from './notify-settings.js'
import { settings } from './settings-kit.js'

const kit = new MailKit()
const open: { close(): unknown }[] = []
after(() => {
  kit.remove()
  for (const one of open) one.close()
})

const ban: Ban = {
  jail: 'sshd',
  id: '192.0.2.7',
  startMs: Date.UTC(2026, 10, 21, 6, 46, 11),
  durationMs: 600_000,
  origin: { kind: 'jail' },
  count: 2,
  failures: 5,
  lines: Array.from({ length: 30 }, (_, i) => `line ${i} "<@everyone>" ${'x'.repeat(2000)}`),
  data: { user: 'eve' },
}
const never = new AbortController().signal

function notifier(written: Partial<WrittenSettings>, waitsMs: readonly number[] = [0, 0, 0]) {
  const clock = new ManualClock(ban.startMs)
  const logged: string[] = []
  const log: Log = { isOn: () => true, write: (_level, _module, text) => logged.push(text) }
  const options = { clock, log, host: 'gate', run: kit.run, sendmail: [kit.sendmail], waitsMs }
  return { clock, logged, teller: new Notifier({ settings: settings(written), ...options }) }
}

async function server(...answers: (number | undefined)[]): Promise<WebSink> {
  const one = await WebSink.listen(...answers)
  open.push(one)
  return one
}

describe('a webhook', () => {
  it('gets the documented document', async () => {
    const { url, bodies } = await server(204)
    const { teller } = notifier({ webhook: url })
    teller.banned(ban, 'new')
    teller.banned({ ...ban, jail: 'fleet', failures: 0, count: 1 }, 'new')
    teller.banned({ ...ban, origin: { kind: 'operator' }, failures: 0, count: 1 }, 'new')
    teller.unbanned(ban, 'expired')
    teller.trouble('Cannot write the database')
    await teller.settled()
    const [told, elsewhere, byHand, unbanned, trouble] = bodies.map((body) => JSON.parse(body))
    const text = 'gate: sshd banned 192.0.2.7 for the 2nd time after 5 failures, for 10 minutes'
    assert.deepEqual(
      { ...told, lines: told.lines.length },
      {
        version: 1,
        event: 'ban',
        host: 'gate',
        time: '2026-11-21T06:46:11.000Z',
        text,
        jail: 'sshd',
        id: '192.0.2.7',
        bantime: 600,
        until: '2026-11-21T06:56:11.000Z',
        failures: 5,
        count: 2,
        origin: 'jail',
        lines: 10,
        content: text,
        allowed_mentions: { parse: [] },
      },
    )
    assert.ok(bodies.every((body) => body.length < 8000))
    assert.equal(elsewhere.text, 'gate: fleet banned 192.0.2.7, for 10 minutes')
    assert.equal(byHand.text, 'gate: sshd banned 192.0.2.7 by hand, for 10 minutes')
    assert.equal(unbanned.text, 'gate: sshd unbanned 192.0.2.7 (expired)')
    assert.equal(trouble.text, 'gate: Cannot write the database')
  })

  it('gets no orders or links of an attacker in what people read', async () => {
    const { url, bodies } = await server(204)
    const { teller } = notifier({ webhook: url })
    teller.banned({ ...ban, id: '<!channel> @everyone [x](https://evil.example)\u202e\u2028\x1b[2J\n' }, 'new')
    await teller.settled()
    const { text, content } = JSON.parse(bodies[0] ?? '')
    assert.match(
      text,
      /^gate: sshd banned \(!channel\) \?everyone \(x\)\(https: \/\/evil\.example\) {3}\(2J {2}for the 2nd time/,
    )
    assert.equal(content, text)
  })

  it('is not told of restored bans, nor of what nobody asked for', async () => {
    const { url, bodies } = await server(204)
    const { teller } = notifier({ webhook: url, events: ['ban'] })
    teller.banned(ban, 'restored')
    teller.unbanned(ban, 'lifted')
    teller.trouble('x')
    await teller.settled()
    assert.deepEqual(bodies, [])
  })

  it('is asked again after what may pass', async () => {
    const { url, bodies } = await server(500, 429, 200)
    const { clock, teller, logged } = notifier({ webhook: url })
    const turning = setInterval(() => clock.turn(1), 1)
    teller.banned(ban, 'new')
    await teller.settled()
    clearInterval(turning)
    assert.equal(bodies.length, 3)
    assert.deepEqual(logged, [])
  })

  for (const [what, answer, reason] of [
    ['refuses', 404, /tried once: it answered 404/],
    ['redirects', 302, /tried once: it answered 302, a redirection/],
    ['fails again and again', 503, /tried 4 times: it answered 503/],
  ] as const)
    it(`is given up when it ${what}, and its secrets are not logged`, async () => {
      const { url } = await server(answer)
      const { clock, teller, logged } = notifier({ webhook: url })
      const turning = setInterval(() => clock.turn(1), 1)
      for (let i = 0; i < 3; i++) teller.banned(ban, 'new')
      await teller.settled()
      clearInterval(turning)
      assert.equal(logged.length, 1)
      assert.match(logged[0] ?? '', reason)
      assert.doesNotMatch(logged.join(), /s3cret/)
    })

  it('is given up when nobody is there', async () => {
    const hook = await server(200)
    hook.close()
    const { clock, teller, logged } = notifier({ webhook: hook.url })
    const turning = setInterval(() => clock.turn(1), 1)
    teller.banned(ban, 'new')
    await teller.settled()
    clearInterval(turning)
    assert.match(logged[0] ?? '', /Cannot post to the webhook at 127\.0\.0\.1:\d+, tried 4 times: .*ECONNREFUSED/)
    assert.doesNotMatch(logged.join(), /s3cret/)
  })

  it('that never answers costs its time and no more', async () => {
    const hook = await server(undefined)
    const { clock, teller, logged } = notifier({ webhook: hook.url }, [])
    const request = hook.nextRequest()
    teller.banned(ban, 'new')
    await request
    clock.turn(10_000)
    await teller.settled()
    assert.match(logged[0] ?? '', /no answer within 10 s/)
  })

  it('does not hold up the stop beyond its deadline', async () => {
    const hook = await server(undefined)
    const { teller } = notifier({ webhook: hook.url })
    const deadline = new AbortController()
    const request = hook.nextRequest()
    teller.banned(ban, 'new')
    const closed = teller.close(deadline.signal)
    await request
    deadline.abort()
    await closed
  })
})

describe('a flood of bans', () => {
  it('is ten messages and one that counts the rest', async () => {
    const { url, bodies } = await server(200)
    const { clock, teller } = notifier({ webhook: url })
    for (let i = 0; i < 4322; i++) teller.banned(ban, 'new')
    for (let i = 0; i < 3; i++) teller.unbanned({ jail: 'web', id: '192.0.2.8' }, 'expired')
    await teller.settled()
    assert.equal(bodies.length, 10)
    clock.turn(60_000)
    await teller.settled()
    const summary = JSON.parse(bodies[10] ?? '')
    assert.equal(summary.text, 'gate: … and 4,312 more bans in sshd, 3 more unbans in web')
    assert.deepEqual(summary.jails, { sshd: { bans: 4312, unbans: 0 }, web: { bans: 0, unbans: 3 } })
    clock.turn(60_000)
    teller.banned(ban, 'new')
    await teller.settled()
    assert.equal(bodies.length, 12)
  })

  it('is counted at the stop at the latest', async () => {
    const { url, bodies } = await server(200)
    const { teller } = notifier({ webhook: url })
    for (let i = 0; i < 20; i++) teller.banned(ban, 'new')
    await teller.close(never)
    assert.equal(JSON.parse(bodies.at(-1) ?? '').text, 'gate: … and 10 more bans in sshd')
  })
})

describe('a command', () => {
  it('gets the document on its standard input, without a shell', async () => {
    kit.program('tell', `printf '%s\\n' "$#" "$1" > ${kit.dir}/told; cat >> ${kit.dir}/told`)
    const { teller, logged } = notifier({ command: ['tell', '$(id); x'] })
    teller.banned({ ...ban, id: '`id`; "$(id)"\n', lines: [] }, 'new')
    await teller.settled()
    assert.deepEqual(logged, [])
    const [count, argument, json = ''] = readFileSync(`${kit.dir}/told`, 'utf8').split('\n')
    assert.deepEqual([count, argument], ['1', '$(id); x'])
    assert.equal(JSON.parse(json).id, '`id`; "$(id)"\n')
  })

  it('that fails is complained of once an hour', async () => {
    kit.program('refuse', 'cat > /dev/null; echo no >&2; exit 3')
    const { clock, teller, logged } = notifier({ command: ['refuse', 's3cret'] })
    for (let i = 0; i < 3; i++) teller.trouble('x')
    await teller.settled()
    assert.deepEqual(logged, ['Cannot notify by the command refuse: exit code 3; it said: no'])
    clock.turn(3_600_000)
    teller.trouble('x')
    await teller.settled()
    assert.equal(logged.length, 2)
  })
})

describe('a digest', () => {
  const to = [{ value: 'admin@example.org' }, { value: 'root' }]

  it('is one mail an interval, by sendmail, and none when nothing happened', async () => {
    const { clock, teller, logged } = notifier({ email_to: to })
    clock.turn(3_600_000)
    teller.banned(ban, 'new')
    const byHand: Ban = { ...ban, origin: { kind: 'operator' }, durationMs: undefined, failures: 0, count: 1 }
    teller.banned({ ...byHand, jail: 'web', id: '192.0.2.8\nBcc: x' }, 'new')
    teller.unbanned(ban, 'expired')
    teller.trouble('Cannot write the database')
    clock.turn(3_600_000)
    await teller.settled()
    assert.deepEqual(logged, [])
    const { argv, stdin } = kit.received()
    assert.deepEqual(argv, ['-i', '-t'])
    const [head = '', text = ''] = stdin.split('\n\n')
    assert.match(head, /^To: admin@example\.org, root$/m)
    assert.match(head, /^Subject: \[tocsin\] gate: 1 ban in sshd, 1 unban in sshd, 1 ban in web, 1 trouble$/m)
    assert.deepEqual(text.split('\n'), [
      '2026-11-21 07:46:11Z  sshd  ban 192.0.2.7 for 10 minutes, 5 failures, ban number 2',
      '2026-11-21 07:46:11Z  web  ban 192.0.2.8 Bcc: x for good, by hand',
      '2026-11-21 07:46:11Z  sshd  unban 192.0.2.7 (expired)',
      '2026-11-21 07:46:11Z  Cannot write the database',
      '',
    ])
  })

  it('goes by a mail server where one is named, and has a bounded length', async () => {
    const sink = await SmtpSink.listen()
    open.push(sink)
    const { teller, logged } = notifier({
      email_to: to,
      email_from: 'f@x.org',
      smtp: `smtp://me:pw@127.0.0.1:${sink.port}`,
    })
    for (let i = 0; i < 5000; i++) teller.banned(ban, 'new')
    await teller.close(never)
    assert.deepEqual(logged, [])
    const [mail] = sink.mails
    assert.deepEqual([mail?.from, mail?.to], ['f@x.org', ['admin@example.org', 'root']])
    assert.match(mail?.data ?? '', /^… and 4,800 more|=E2=80=A6 and 4,800 more/m)
    assert.ok((mail?.data.length ?? 0) < 30_000)
  })
})
