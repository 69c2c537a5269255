import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Turns } from './turns.js'

/** Tasks that end when they are told to; what has begun is kept. */
class Tasks {
  readonly begun: string[] = []
  readonly #ends = new Map<string, () => void>()

  task(name: string): () => Promise<void> {
    return () => {
      this.begun.push(name)
      return new Promise((resolve) => this.#ends.set(name, resolve))
    }
  }

  /** Resolves when everything that could begin has begun. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)?.()
    await new Promise(setImmediate)
  }
}

describe('Turns', () => {
  it('runs at most so many children, in the order of asking', async () => {
    const turns = new Turns(2)
    const tasks = new Tasks()
    for (const name of ['a', 'b', 'c', 'd']) void turns.child(tasks.task(name))
    assert.deepEqual(tasks.begun, ['a', 'b'])
    await tasks.end('b')
    assert.deepEqual(tasks.begun, ['a', 'b', 'c'])
    void turns.child(tasks.task('e'))
    await tasks.end('a')
    await tasks.end('c')
    assert.deepEqual(tasks.begun, ['a', 'b', 'c', 'd', 'e'])
  })

  it('gives the place on after a task that failed', async () => {
    const turns = new Turns(1)
    await assert.rejects(turns.child(() => Promise.reject(new Error('no'))))
    assert.equal(await turns.child(() => Promise.resolve(1)), 1)
  })

  it('keeps tasks apart that share a key, and no others', async () => {
    const turns = new Turns()
    const tasks = new Tasks()
    void turns.alone(['x', 'y'], tasks.task('xy'))
    void turns.alone(['y', 'z'], tasks.task('yz'))
    void turns.alone(['z'], tasks.task('z'))
    void turns.alone(['w'], tasks.task('w'))
    void turns.alone([], tasks.task('free'))
    await new Promise(setImmediate)
    assert.deepEqual(tasks.begun.sort(), ['free', 'w', 'xy'])
    await tasks.end('xy')
    assert.deepEqual(tasks.begun.at(-1), 'yz')
    await tasks.end('yz')
    assert.deepEqual(tasks.begun.at(-1), 'z')
  })

  it('lets go of a key after a failure', async () => {
    const turns = new Turns()
    await assert.rejects(turns.alone(['x'], () => Promise.reject(new Error('no'))))
    assert.equal(await turns.alone(['x'], () => Promise.resolve(1)), 1)
  })
})
