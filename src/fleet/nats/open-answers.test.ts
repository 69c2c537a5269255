import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { OpenAnswers } from './open-answers.js'

describe('answers whose place everybody sees', () => {
  const setUp = () => {
    const clock = new ManualClock()
    return { clock, answers: new OpenAnswers('_I.web7', clock) }
  }

  it('come to whoever has asked', async () => {
    const { answers } = setUp()
    const asked: string[] = []
    const both = [1, 2].map(() => answers.expect((reply) => asked.push(reply), 1000))
    for (const subject of asked.toReversed()) answers.onArrived({ subject })
    assert.deepEqual(
      (await Promise.all(both)).map(({ subject }) => subject),
      asked,
    )
    assert.ok(asked.every((subject) => /^_I\.web7\.[\w-]{4}$/.test(subject)))
  })

  it('are waited for so long and no longer', async () => {
    const { clock, answers } = setUp()
    const answer = answers.expect(() => {}, 1000)
    clock.turn(1000)
    await assert.rejects(answer, /not answered within 1000 ms/)
  })

  it('are not waited for by who could not ask', async () => {
    const { clock, answers } = setUp()
    const refused = () => {
      throw new Error('too large')
    }
    await assert.rejects(answers.expect(refused, 1000), /too large/)
    clock.turn(1000)
  })
})
