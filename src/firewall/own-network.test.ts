import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { it } from 'node:test'
import { enterOwnNetwork, Network } from './own-network.js'

const skip = (await enterOwnNetwork()) ?? false

it('going to and fro between networks leaves no file open', { skip }, async () => {
  const other = Network.another()
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  for (let time = 0; time < 50; time++) await other.within(async () => {})
  assert.ok(open() < before + 10, `${before} files were open, ${open()} are`)
})
