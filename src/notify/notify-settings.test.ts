import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { notifySettings } from './notify-settings.js'
import { nothing, settings } from './settings-kit.js'

describe('the settings', () => {
  it('say what is wrong without showing a value that may be secret', () => {
    for (const smtp of ['smtp://', 'smtp://u:s3cret@host/path', 'http://s3cret@x', 'a b'])
      assert.doesNotMatch(JSON.stringify(notifySettings({ ...nothing, smtp })), /s3cret/, smtp)
    assert.deepEqual(notifySettings({ ...nothing, email_to: [{ value: '-oX' }] }), {
      problem: '[notify] "-oX" is not the address of a mailbox',
    })
  })

  it('send a password over an encrypted line only, but to this machine', () => {
    const read = (smtp: string) => settings({ smtp, email_to: [{ value: 'root' }] }).email?.smtp
    const login = { user: 'a@b', password: 'p:w' }
    assert.deepEqual(read('smtps://a%40b:p%3Aw@mail.x.org'), {
      host: 'mail.x.org',
      port: 465,
      tls: true,
      isStrict: true,
      login,
    })
    assert.deepEqual(read('smtp://a%40b:p%3Aw@mail.x.org'), {
      host: 'mail.x.org',
      port: 587,
      tls: false,
      isStrict: true,
      login,
    })
    assert.deepEqual(read('[::1]:2525'), { host: '::1', port: 2525, tls: false, isStrict: false, login: undefined })
    assert.equal(read('mail.x.org')?.port, 25)
    assert.equal(read('mail.x.org:80')?.port, 80)
  })
})
