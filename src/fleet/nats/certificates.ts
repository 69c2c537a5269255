import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { parseIp } from '../../domain/address.js'
import { bitString, der, integer, objectId, octets, sequence, time, utf8, yes } from './der.js'

/** A certificate and its private key, in PEM. */
export interface Certified {
  certificate: string
  key: string
}

const dayMs = 86_400_000
/** A node whose clock is behind must still find the certificate valid. */
const backdatedMs = 30 * dayMs
const authorityMs = 20 * 365 * dayMs
const serverMs = 825 * dayMs
/** So long before its end a server's certificate is made anew, at the next start of the server. */
const renewalMs = 90 * dayMs

/** Signs the certificates of a fleet's servers. Whoever joins has its fingerprint in the invitation, and trusts nothing else. */
export function makeAuthority({ fleet, nowMs }: { fleet: string; nowMs: number }): Certified {
  const { publicKey, privateKey } = newKey()
  const subject = nameOf(`tocsin fleet ${fleet}`)
  const isAuthority = extension('2.5.29.19', sequence(yes), true)
  // keyCertSign and cRLSign (RFC 5280 section 4.2.1.3).
  const usage = extension('2.5.29.15', bitString(Buffer.of(0x06), 1), true)
  const extensions = [isAuthority, usage, keyIdentifier(publicKey)]
  const certificate = signed(
    { subject, issuer: subject, publicKey, nowMs, lifeMs: authorityMs, extensions },
    privateKey,
  )
  return { certificate, key: pemOf(privateKey) }
}

export interface ServerCertificateOptions {
  authority: Certified
  fleet: string
  /** Addresses and names under which the server is called. */
  hosts: readonly string[]
  nowMs: number
}

/** What a server shows. `certificate` has that of the authority behind it. */
export function makeServerCertificate({ authority, fleet, hosts, nowMs }: ServerCertificateOptions): Certified {
  const { publicKey, privateKey } = newKey()
  // NOTE: the client for NATS upgrades a connection to an address and then checks for "localhost"; the authority certifies nobody but the
  // fleet's servers, so that name lets in nobody else.
  const names = [...new Set([...hosts, 'localhost'])]
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    extension('2.5.29.15', bitString(Buffer.of(0x80), 7), true), // digitalSignature
    extension('2.5.29.37', sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))), // serverAuth; clientAuth among the servers of a cluster
    extension('2.5.29.17', sequence(...names.map(alternativeName))),
    keyIdentifier(publicKey),
    authorityKeyIdentifier(new X509Certificate(authority.certificate).publicKey),
  ]
  const issuer = nameOf(`tocsin fleet ${fleet}`)
  const subject = nameOf(`tocsin fleet ${fleet} server`)
  const facts = { subject, issuer, publicKey, nowMs, lifeMs: serverMs, extensions }
  const certificate = signed(facts, createPrivateKey(authority.key))
  return { certificate: certificate + authority.certificate, key: pemOf(privateKey) }
}

/** Whether it is called like that still, and does not end soon. */
export function isServerCertificateGood(pem: string, hosts: readonly string[], nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(pem)
    const isNamed = hosts.every((host) =>
      parseIp(host) === undefined ? certificate.checkHost(host) : certificate.checkIP(host),
    )
    return isNamed && Date.parse(certificate.validTo) - nowMs > renewalMs
  } catch {
    return false // Not a certificate: it is made anew.
  }
}

/** SHA-256 of a certificate, in base64url: what an invitation has of the authority. */
export function pinOf(certificate: string | Uint8Array): string {
  const raw = typeof certificate === 'string' ? new X509Certificate(certificate).raw : certificate
  return createHash('sha256').update(raw).digest('base64url')
}

interface Facts {
  subject: Buffer
  issuer: Buffer
  publicKey: KeyObject
  nowMs: number
  lifeMs: number
  extensions: readonly Buffer[]
}

/** RFC 5280 section 4.1, signed with ECDSA over SHA-256 (RFC 5758 section 3.2). */
function signed({ subject, issuer, publicKey, nowMs, lifeMs, extensions }: Facts, key: KeyObject): string {
  const algorithm = sequence(objectId('1.2.840.10045.4.3.2'))
  const facts = sequence(
    der(0xa0, integer(Buffer.of(2))), // version 3
    integer(randomBytes(16)),
    algorithm,
    issuer,
    sequence(time(nowMs - backdatedMs), time(nowMs + lifeMs)),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions)),
  )
  const certificate = sequence(facts, algorithm, bitString(sign('sha256', facts, key)))
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function pemOf(key: KeyObject): string {
  return String(key.export({ format: 'pem', type: 'pkcs8' }))
}

/** A common name alone. */
function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(objectId('2.5.4.3'), utf8(text.slice(0, 64)))))
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectId(id), ...(isCritical ? [yes] : []), octets(value))
}

/** What chains are put together by (RFC 5280 sections 4.2.1.1 and 4.2.1.2): any hash of the key will do. */
function keyIdentifier(key: KeyObject): Buffer {
  return extension('2.5.29.14', octets(hashOf(key)))
}

function authorityKeyIdentifier(key: KeyObject): Buffer {
  return extension('2.5.29.35', sequence(der(0x80, hashOf(key))))
}

function hashOf(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest()
    .subarray(0, 20)
}

function alternativeName(host: string): Buffer {
  const ip = parseIp(host)
  return ip === undefined ? der(0x82, Buffer.from(host)) : der(0x87, ip.bytes)
}
