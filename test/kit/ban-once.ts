import assert from 'node:assert/strict'
import { failures, type House } from './daemon-kit.js'

/** One more ban by a jail whose filter is sshd's and `maxretry` 3, ended by hand. */
export async function banOnce(house: House, ip: string, jail = 'sshd'): Promise<void> {
  const before = house.read().split(`[${jail}] Ban ${ip}\n`).length
  house.append(failures(ip, 3))
  await house.untilBanned(ip, jail)
  await house.untilLogged(new RegExp(`(\\[${jail}\\] Ban ${ip.replaceAll('.', '\\.')}\\n[\\s\\S]*){${before}}`))
  assert.equal((await house.tocsin('unban', ip, '-j', jail)).exitCode, 0)
}
