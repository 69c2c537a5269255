import { isSingleAddress, parseIp } from '../domain/address.js'
import type { Sourced } from '../domain/origin.js'
import { parseDurationMs } from './duration.js'
import type { WrongValue } from './own-jail-options.js'
import { shellWords } from './shell-words.js'
import { type Traced, wordsOf } from './traced.js'

/** How a value of ours is read; `wrong` says what it is not. */
export interface Kind<T> {
  byDefault: T
  /** The value is never shown. */
  isSecret?: true
  read(value: Traced): T | WrongValue
}

export function text(): Kind<string | undefined> {
  return { byDefault: undefined, read: (value) => (value.text === '' ? undefined : value.text) }
}

/** Stricter than Fail2ban's bool: a word that is neither is an error here, not "no". */
export function flag(byDefault: boolean): Kind<boolean> {
  return {
    byDefault,
    read(value) {
      const word = value.text.toLowerCase()
      if (['1', 'on', 'true', 'yes'].includes(word)) return true
      if (['0', 'off', 'false', 'no'].includes(word)) return false
      return { wrong: 'is neither yes nor no', hint: 'write yes or no' }
    },
  }
}

export function count(byDefault: number): Kind<number> {
  return {
    byDefault,
    read({ text }) {
      if (text.toLowerCase() === 'off') return 0
      const isRight = /^\d{1,9}$/.test(text)
      return isRight ? Number(text) : { wrong: 'is not a number', hint: `write a whole number as ${byDefault}, or off` }
    },
  }
}

/** NOTE: a percent sign would have to be written twice, it begins a reference; none is needed. */
export function percent(byDefault: number): Kind<number> {
  return {
    byDefault,
    read({ text }) {
      if (text.toLowerCase() === 'off') return 0
      const [, digits = ''] = /^(\d{1,3})[ \t]*%?$/.exec(text) ?? []
      const isRight = digits !== '' && Number(digits) <= 100
      return isRight
        ? Number(digits)
        : { wrong: 'is not a share', hint: `write a number up to 100, as ${byDefault}, or off` }
    },
  }
}

/** Something that is off unless it is written. */
export function off<T>(parse: (text: string) => T | undefined | WrongValue): Kind<T | undefined> {
  return { byDefault: undefined, read: (value) => parse(value.text) }
}

const means = ['netlink', 'nft', 'ipset', 'simulate'] as const

export function parseMeans(text: string): (typeof means)[number] | undefined | WrongValue {
  const word = text.toLowerCase()
  if (word === '' || word === 'auto') return undefined
  return means.find((one) => one === word) ?? { wrong: 'is an unknown word', hint: `write auto, ${means.join(', ')}` }
}

export function words(): Kind<readonly Sourced[]> {
  return { byDefault: [], read: (value) => wordsOf(value) }
}

/** Networks, host names and `file:` lists. */
export function networks(): Kind<readonly Sourced[]> {
  const isRight = (word: string) => parseIp(word) !== undefined || /^file:.|^[\w.-]*[A-Za-z][\w.-]*$/.test(word)
  return {
    byDefault: [],
    read(value) {
      const known = wordsOf(value)
      const wrong = known.find((word) => !isRight(word.value))
      if (wrong === undefined) return known
      return {
        wrong: `has "${wrong.value}", no network`,
        hint: 'write 203.0.113.0/24, 2001:db8::/32, a host name, or file:PATH',
      }
    },
  }
}

/** Addresses and networks, none of them a name. */
export function addresses(countMax: number): Kind<readonly Sourced[]> {
  return {
    byDefault: [],
    read(value) {
      const known = wordsOf(value)
      const hint = 'write 203.0.113.9, 203.0.113.0/24 or 2001:db8::/32'
      const wrong = known.find((word) => parseIp(word.value) === undefined)
      if (wrong !== undefined) return { wrong: `has "${wrong.value}", no address`, hint, origin: wrong.origin }
      return known.length <= countMax ? known : { wrong: `has more than ${countMax}`, hint: 'name networks instead' }
    },
  }
}

/** With K, M or G for powers of 1024. */
export function bytes(byDefault: number): Kind<number> {
  const units = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 }
  return {
    byDefault,
    read({ text }) {
      const [, digits = '', unit = ''] = /^(\d{1,9})([kmg]?)$/.exec(text.toLowerCase()) ?? []
      const size = Number(digits) * (units[unit as keyof typeof units] ?? 1)
      const isRight = size >= 1 << 16 && size <= 2 ** 40
      return isRight ? size : { wrong: 'is no size from 64K to 1024G', hint: 'write bytes, or 8M' }
    },
  }
}

export function wordsOutOf<W extends string>(known: readonly W[], byDefault: readonly W[]): Kind<readonly W[]> {
  return {
    byDefault,
    read(value) {
      const words = wordsOf(value).map((one) => one.value)
      const chosen = known.filter((word) => words.includes(word))
      const isWrong = words.some((word) => !known.some((one) => one === word))
      return isWrong ? { wrong: 'has an unknown word', hint: `there are ${known.join(', ')}` } : chosen
    },
  }
}

/** The first is the default. */
export function oneOf<W extends string>(known: readonly [W, ...W[]]): Kind<W> {
  return {
    byDefault: known[0],
    read: ({ text }) =>
      known.find((word) => word === text.toLowerCase()) ?? {
        wrong: 'is an unknown word',
        hint: `write ${known.join(' or ')}`,
      },
  }
}

export function interfaceNames(): Kind<readonly string[]> {
  return {
    byDefault: [],
    read(value) {
      const names = wordsOf(value).map((word) => word.value)
      // IFNAMSIZ is 16 with its NUL; what the kernel refuses in a name, and what would end a string of nft's language.
      const wrong = names.find((name) => !/^[^/:"*\s\\]{1,15}$/.test(name) || /^\.\.?$/.test(name))
      if (wrong === undefined) return [...new Set(names)]
      return {
        wrong: `has ${JSON.stringify(wrong)}, no name of an interface`,
        hint: 'write names as in "ip link": eth0',
      }
    },
  }
}

export function durationMs(byDefault: number): Kind<number> {
  return {
    byDefault,
    read(value) {
      const ms = parseDurationMs(value.text)
      return ms !== undefined && ms > 0 ? ms : { wrong: 'is not a duration', hint: 'write seconds, or 30m, 1h, 1d' }
    },
  }
}

export function durationOrOffMs(byDefault: number): Kind<number> {
  const duration = durationMs(byDefault)
  return { byDefault, read: (value) => (/^(?:0|off)$/i.test(value.text) ? 0 : duration.read(value)) }
}

export function listenAddress(text: string): { host: string; port: number } | undefined | WrongValue {
  if (text === '' || text.toLowerCase() === 'off') return undefined
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(text) ?? []
  const ip = parseIp(bracketed ?? plain ?? '')
  const port = Number(digits)
  return ip !== undefined && isSingleAddress(ip) && port > 0 && port <= 65_535
    ? { host: ip.text, port }
    : { wrong: 'is no address with a port', hint: 'write 127.0.0.1:9191 or [::1]:9191, or off' }
}

export function secretText(): Kind<string | undefined> {
  return { ...text(), isSecret: true }
}

export function webUrl(): Kind<string | undefined> {
  return {
    byDefault: undefined,
    isSecret: true,
    read({ text }) {
      if (text === '') return undefined
      const isWeb = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
      return isWeb ? text : { wrong: 'is no web address', hint: 'write https://HOST/PATH or http://HOST/PATH' }
    },
  }
}

export function commandWords(): Kind<readonly string[] | undefined> {
  return {
    byDefault: undefined,
    read({ text }) {
      const words = shellWords(text)
      if (words === undefined) return { wrong: 'has an open quote', hint: 'close it' }
      return words.length > 0 ? words : undefined
    },
  }
}
