import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { makePipe } from '../../../test/kit/make-pipe.js'
import { FleetDir } from './fleet-dir.js'

it('a pipe in the place of a file of the fleet is named, and not waited for', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-fleet-dir-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const fleet = new FleetDir(dir)
  mkdirSync(fleet.at('members'), { recursive: true })
  for (const name of ['fleet.json', 'members/web1.json']) await makePipe(fleet.at(name))
  assert.throws(() => fleet.facts(), { message: `${fleet.at('fleet.json')} is a pipe and no file` })
  assert.throws(() => fleet.members(), { message: `${fleet.at('members/web1.json')} is a pipe and no file` })
})
