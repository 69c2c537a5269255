import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runChild } from '../../lib/child.js'
import { isServerCertificateGood, makeAuthority, makeServerCertificate, pinOf } from './certificates.js'
import { time } from './der.js'

const nowMs = Date.now()
const dayMs = 86_400_000
const authority = makeAuthority({ fleet: 'test', nowMs })
const hosts = ['192.0.2.1', '2001:db8::1', 'hub.example']
const server = makeServerCertificate({ authority, fleet: 'test', hosts, nowMs })
const openssl = (await runChild(['openssl', 'version'], { timeoutMs: 5000 })).exitCode === 0 ? false : 'needs openssl'

describe('certificates', () => {
  it('are what OpenSSL takes for a server, and for its authority', { skip: openssl }, async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-pem-'))
    try {
      writeFileSync(path.join(dir, 'ca.pem'), authority.certificate)
      writeFileSync(path.join(dir, 'server.pem'), server.certificate)
      const verify = ['openssl', 'verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', path.join(dir, 'ca.pem')]
      const { exitCode, stderr, stdout } = await runChild([...verify, path.join(dir, 'server.pem')], {
        timeoutMs: 5000,
      })
      assert.equal(exitCode, 0, stdout + stderr)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('of a server names all of its hosts, and no other', () => {
    const certificate = new X509Certificate(server.certificate)
    assert(
      certificate.checkIP('192.0.2.1') && certificate.checkIP('2001:db8::1') && certificate.checkHost('hub.example'),
    )
    assert.equal(certificate.checkIP('192.0.2.2'), undefined)
    assert(certificate.verify(new X509Certificate(authority.certificate).publicKey))
    assert.equal(certificate.ca, false)
  })

  it('of a server is made anew for another host, and before it ends', () => {
    assert(isServerCertificateGood(server.certificate, hosts, nowMs))
    assert(!isServerCertificateGood(server.certificate, [...hosts, 'new.example'], nowMs))
    assert(isServerCertificateGood(server.certificate, hosts, nowMs + 700 * dayMs))
    assert(!isServerCertificateGood(server.certificate, hosts, nowMs + 740 * dayMs))
    assert(!isServerCertificateGood('nonsense', hosts, nowMs))
  })

  it('of two authorities have two pins', () => {
    assert.match(pinOf(authority.certificate), /^[\w-]{43}$/)
    assert.notEqual(pinOf(makeAuthority({ fleet: 'test', nowMs }).certificate), pinOf(authority.certificate))
  })

  it('write a year of two digits until 2049, and of four from then on', () => {
    assert.equal(
      time(Date.UTC(2049, 11, 31, 23, 59, 59))
        .subarray(2)
        .toString(),
      '491231235959Z',
    )
    assert.equal(
      time(Date.UTC(2050, 0, 1))
        .subarray(2)
        .toString(),
      '20500101000000Z',
    )
  })
})
