import assert from 'node:assert/strict'
import { it } from 'node:test'
import { metricsText } from './metrics.js'
import { listenForMetrics } from './metrics-server.js'

it('writes metrics as a scraper reads them, whatever is in a label', () => {
  const text = metricsText([
    { name: 'tocsin_enforced', help: 'Bans that are\nin \\ force.', type: 'gauge', samples: [{ value: 3 }] },
    { name: 'tocsin_nothing_total', help: 'Without samples.', type: 'counter', samples: [] },
    {
      name: 'tocsin_bans_total',
      help: 'Bans.',
      type: 'counter',
      samples: [
        { labels: { jail: 'a "b" \\ \n}' }, value: 1 },
        { labels: { jail: 'sshd', what: 'x' }, value: 0.5 },
      ],
    },
  ])
  assert.equal(
    text,
    [
      '# HELP tocsin_enforced Bans that are\\nin \\\\ force.',
      '# TYPE tocsin_enforced gauge',
      'tocsin_enforced 3',
      '# HELP tocsin_bans_total Bans.',
      '# TYPE tocsin_bans_total counter',
      'tocsin_bans_total{jail="a \\"b\\" \\\\ \\n}"} 1',
      'tocsin_bans_total{jail="sshd",what="x"} 0.5',
      '',
    ].join('\n'),
  )
})

it('serves them over TCP, and nothing else', async () => {
  const server = await listenForMetrics(async () => 'tocsin_enforced 3\n', { host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${server.port}`
  const answer = await fetch(`${url}/metrics`)
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(await answer.text(), 'tocsin_enforced 3\n')
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status, 405)
  assert.equal((await fetch(`${url}/v1/bans`)).status, 404)
  await assert.rejects(
    listenForMetrics(async () => '', { host: '127.0.0.1', port: server.port }),
    /Cannot serve metrics on 127\.0\.0\.1 port \d+: .*EADDRINUSE/,
  )
  await server.close()
})

it('does not answer with a part of them', async () => {
  const server = await listenForMetrics(() => Promise.reject(new Error('no')), { host: '127.0.0.1', port: 0 })
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/metrics`).then((answer) => answer.text()))
  await server.close()
})
