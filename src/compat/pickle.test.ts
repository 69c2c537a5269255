import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PyFloat, PyTuple, type PyValue, repr, tuple } from '../lib/python-repr.js'
import { PickleError } from './pickle-bytes.js'
import { readPickle } from './pickle-reader.js'
import { requestLimits } from './pickle-size.js'
import { writeFailure, writePickle } from './pickle-writer.js'

const withoutPython = spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed'

/** Runs Python with `input` as JSON, and gives what it prints as JSON. */
function python(script: string, input: unknown): string[] {
  const preamble = 'import sys, json, pickle, random\ninput = json.load(sys.stdin)\n'
  const { stdout, stderr } = spawnSync('python3', ['-c', preamble + script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

const read = (bytes: Buffer) => readPickle(bytes, requestLimits)
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('readPickle', () => {
  it('reads what Python writes, in every protocol', { skip: withoutPython }, () => {
    const script = `
random.seed(input)
def text():
    return ''.join(random.choice(['a', "'", '\\\\', '\\n', '\\u00e9', '\\u20ac', '\\U0001f514', '\\udcff', '\\\\u0041', ' ']) for _ in range(random.choice([0, 1, 5, 300])))
def value(depth):
    kind = random.randrange(6 if depth > 4 else 9)
    if kind == 0: return text()
    if kind == 1: return random.choice([0, 1, -1, 255, 256, 65535, 65536, 2**31, -2**31, -2**31-1, 2**53, 2**63, -2**100, 10**50])
    if kind == 2: return random.choice([0.0, -0.0, 1.0, 1e16, 1e15, 1e-5, 0.0001, 1.5, 1e300, float('inf'), float('-inf'), random.random()])
    if kind == 3: return random.choice([None, True, False])
    if kind == 4: return shared
    if kind == 5: return ''
    n = random.choice([0, 1, 2, 3, 4, 6])
    if kind == 6: return [value(depth + 1) for _ in range(n)]
    if kind == 7: return tuple(value(depth + 1) for _ in range(n))
    return {'k' + text(): value(depth + 1) for _ in range(n)}
shared = ['shared', 'twice']
out = []
for i in range(300):
    v = value(0)
    for protocol in range(6):
        out.append([repr(v), pickle.dumps(v, protocol).hex()])
    out.append([repr(v), pickle._dumps(v, random.randrange(6)).hex()])
json.dump(out, sys.stdout)`
    for (const [printed = '', bytes = ''] of python(script, 20) as unknown as string[][])
      assert.equal(repr(read(hex(bytes))), printed)
  })

  it('reads texts of Python 2 and sets', () => {
    assert.deepEqual(read(hex('80 02 5d 71 00 55 04 70696e67 71 01 61 2e')), ['ping'])
    assert.deepEqual(read(Buffer.from("(lp0\nS'it\\'s\\n'\np1\naI01\naL12L\na.")), ["it's\n", true, 12])
    assert.deepEqual(read(hex('80 04 8f 94 28 4b 01 4b 02 90 2e')), [1, 2])
  })

  it('refuses whatever names a class or calls something', () => {
    const evil = [
      "cos\nsystem\n(S'id'\ntR.",
      "(S'id'\nios\nsystem\n.",
      '\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.',
      '\x80\x02cos\nsystem\n)\x81.',
      'P1\n.',
      'U\x01aQ.',
      '\x82\x01.',
      '\x83\x01\x00.',
      '\x84\x01\x00\x00\x00.',
      '(cos\nsystem\no.',
      '\x80\x05}}b.',
      '\x97.',
      '\x80\x05]\x98.',
      'B\x01\x00\x00\x00a.',
    ]
    for (const text of evil)
      assert.throws(() => read(Buffer.from(text, 'latin1')), /an operation that is not data/, JSON.stringify(text))
  })

  it('refuses bombs before they cost anything', () => {
    const bombs: [string, RegExp][] = [
      ['('.repeat(100_000), /announced and not there/],
      [`${'('.repeat(1000)}${'l'.repeat(1000)}.`, /levels/],
      [`${']'.repeat(1000)}${'a'.repeat(999)}.`, /levels/],
      [']q\x00h\x00a.', /levels/],
      [`]q\x00h\x00h\x00h\x00\x87q\x00${'h\x00h\x00h\x00\x87q\x00'.repeat(25)}.`, /more than/],
      [`(${'N0'.repeat(600_000)}`, /operations/],
      ['X\xff\xff\xff\xff', /announced and not there/],
      ['\x8d\xff\xff\xff\xff\xff\xff\xff\xff', /announced and not there/],
      ['\x8b\xff\xff\xff\x7f', /128 are the most/],
      [`L${'9'.repeat(100_000)}L\n.`, /400 are the most/],
      ['h\x07.', /never set/],
      ['g99999999999999\n.', /no number/],
      ['.', /without its operand/],
      ['a.', /without its operand/],
      ['(0.', /without its operand/],
      ['}(Nu.', /no text/],
      ['}(U\x01au.', /without a value/],
      ['NNNs.', /no dict/],
      ['NNs.', /without its operand/],
      ['\x80\x06N.', /protocol 6/],
      ['U\x01\xff.', /not UTF-8/],
      ['F0x10\n.', /float/],
      ['', /not there/],
    ]
    for (const [text, reason] of bombs)
      assert.throws(
        () => read(Buffer.from(text, 'latin1')),
        (error) => error instanceof PickleError && reason.test(error.message),
        JSON.stringify(text.slice(0, 40)),
      )
  })

  it('adds a key of any name without changing what the value is', () => {
    const value = read(Buffer.from('}U\x09__proto__}s.', 'latin1'))
    assert.deepEqual(Object.entries(value ?? {}), [['__proto__', {}]])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })

  it('ends with a value or a PickleError for any bytes', () => {
    const opcodes = [
      ...'()+-.0123FGIJKLMNPQRSTUVXabcdeghijlopqrstu]}\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8f\x90\x91\x93\x94\x95\n',
    ]
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc
        .string({ unit: fc.constantFrom(...opcodes, '\0', '\x01', '\x02', 'a', '1'), maxLength: 60 })
        .map((text) => Buffer.from(`${text}.`, 'latin1')),
    )
    fc.assert(
      fc.property(bytes, (some) => {
        try {
          read(some)
        } catch (error) {
          assert.ok(error instanceof PickleError, String(error))
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('refuses every piece of a pickle that is not all of it', () => {
    const whole = writePickle(['set', 'sshd', tuple(1, new PyFloat(2.5)), { a: -70_000, b: 2n ** 70n }, null])
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => read(whole.subarray(0, length)), PickleError)
  })
})

describe('writePickle', () => {
  it('writes the bytes that Python writes', { skip: withoutPython }, () => {
    // The text of each expression makes a fresh object, so Python has nothing to say twice.
    const values: PyValue[] = [
      ['ping'],
      tuple(0, 'pong'),
      tuple(0, null),
      null,
      true,
      tuple(0, [tuple('Number of jail', 2), tuple('Jail list', 'inc, tj')]),
      tuple(0, [
        tuple('Filter', [tuple('Currently failed', 0), tuple('File list', ['/a', '/b'])]),
        tuple('Actions', []),
      ]),
      [
        0,
        255,
        256,
        65535,
        65536,
        2 ** 31 - 1,
        2 ** 31,
        -1,
        -128,
        -129,
        -(2 ** 31),
        -(2 ** 31) - 1,
        2n ** 63n,
        -(2n ** 63n),
        2n ** 64n,
      ],
      [new PyFloat(1), new PyFloat(-0.5), new PyFloat(1e300)],
      { a: 1, b: { c: [], d: {} } },
      tuple(),
      tuple(1, 2, 3, 4),
      ['é'.repeat(100), 'x'.repeat(255), 'y'.repeat(256), 'z'.repeat(300), '🔔', '\udcff', ''],
      Array.from({ length: 2500 }, (_, i) => i),
    ]
    const theirs = python(
      'json.dump([pickle.dumps(eval(compile(text, str(i), "eval")), 5).hex() for i, text in enumerate(input)], sys.stdout)',
      values.map(repr),
    )
    values.forEach((value, i) => {
      assert.equal(writePickle(value).toString('hex'), theirs[i], repr(value).slice(0, 100))
    })
  })

  it('is read back as it was, by us and by Python', { skip: withoutPython }, () => {
    // Which characters are printable depends on the version of Unicode, so only old ones.
    const text = fc.string({
      unit: fc.constantFrom(...'a"\'\\\n\0é€🔔\u2028\ufeff', '\ud800', '\udfff'),
      maxLength: 400,
    })
    const { value } = fc.letrec<{ value: PyValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        text,
        fc.maxSafeInteger(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true }).map((number) => new PyFloat(number)),
        fc.array(tie('value'), { maxLength: 6 }),
        fc.array(tie('value'), { maxLength: 6 }).map((items) => new PyTuple(items)),
        fc.dictionary(text, tie('value'), { maxKeys: 4 }),
      ),
    }))
    const samples = fc.sample(value, 300)
    for (const sample of samples) assert.equal(repr(read(writePickle(sample))), repr(sample))
    const printed = python(
      'json.dump([repr(pickle.loads(bytes.fromhex(one))) for one in input], sys.stdout)',
      samples.map((sample) => writePickle(sample).toString('hex')),
    )
    samples.forEach((sample, i) => {
      assert.equal(printed[i], repr(sample))
    })
  })

  it('writes failures as exceptions of Python', { skip: withoutPython }, () => {
    const failure = writeFailure({ exception: 'builtins.IndexError', args: ['list index out of range'] })
    const script = `
failure = (1, IndexError('list index out of range'))
json.dump([pickle.dumps(failure, 5).hex(), repr(pickle.loads(bytes.fromhex(input)))], sys.stdout)`
    assert.deepEqual(python(script, failure.toString('hex')), [
      failure.toString('hex'),
      "(1, IndexError('list index out of range'))",
    ])
  })
})
