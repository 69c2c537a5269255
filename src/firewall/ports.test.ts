import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parsePorts, parseProtocols, readServices } from './ports.js'

const services = readServices(
  '# comment\nssh 22/tcp # the shell\nhttp\t80/tcp www\nbad line\nftp-data 20/tcp\nwww 81/udp\n',
)
const lookUp = (name: string) => services.get(name)

describe('parsePorts', () => {
  for (const [text, expected] of [
    ['22', [[22, 22]]],
    [
      'ssh,www,8000:8100',
      [
        [22, 22],
        [80, 80],
        [8000, 8100],
      ],
    ],
    [
      '  ssh ,\n 8000-8100 ',
      [
        [22, 22],
        [8000, 8100],
      ],
    ],
    [
      '{ ssh, http }',
      [
        [22, 22],
        [80, 80],
      ],
    ],
    ['ftp-data', [[20, 20]]],
    ['ftp-data:ssh', [[20, 22]]],
    ['1024:', [[1024, 65535]]],
    [':1023', [[0, 1023]]],
  ] as const)
    it(`reads ${JSON.stringify(text)}`, () => {
      const ports = expected.map(([first, last]) => ({ first, last }))
      assert.deepEqual(parsePorts(text, lookUp), { ports, problems: [] })
    })

  for (const text of ['0:65535', '0-65535', '1:65535', 'all', 'any', '', ' , ', 'ssh,0:65535', 'ANY'])
    it(`takes ${JSON.stringify(text)} for every packet`, () => {
      assert.deepEqual(parsePorts(text, lookUp), { ports: 'all', problems: [] })
    })

  for (const text of ['sshd', '70000', '22:21', '1:2:3', '-1', '22-', '<port>', 'constructor', '22;drop', '١٢'])
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      const { problems } = parsePorts(`http,${text}`, lookUp)
      assert.equal(problems.length, 1)
      assert.ok(problems[0]?.includes(`"${text}"`), problems[0])
    })

  it('knows the services of stock jails where there is no list', () => {
    const { ports, problems } = parsePorts('imap3,submissions,sieve,xmpp-client')
    assert.deepEqual(problems, [])
    assert.equal(ports.length, 4)
  })

  it('refuses a list without end', () => {
    assert.equal(parsePorts('1,'.repeat(5000)).problems.length, 1)
  })
})

describe('parseProtocols', () => {
  for (const [text, protocols] of [
    ['tcp', ['tcp']],
    ['udp,tcp', ['tcp', 'udp']],
    ['TCP 17', ['tcp', 'udp']],
    ['all', ['tcp', 'udp', 'sctp', 'dccp']],
    ['', ['tcp', 'udp', 'sctp', 'dccp']],
  ] as const)
    it(`reads ${JSON.stringify(text)}`, () => {
      const parsed = parseProtocols(text)
      assert.deepEqual([parsed.protocols, parsed.problems], [protocols, []])
    })

  it('says which protocol has no ports', () => {
    assert.deepEqual(parseProtocols('tcp,icmp').problems, ['protocol "icmp" is none of tcp, udp, sctp, dccp, all'])
  })
})
