import { PyFloat, PyTuple, type PyValue } from '../lib/python-repr.js'
import { PickleBytes } from './pickle-bytes.js'
import { PickleMemo } from './pickle-memo.js'
import { scalars } from './pickle-scalars.js'
import { checkSize, type PickleLimits } from './pickle-size.js'

/**
 * Reads a Python pickle of protocols 0 to 5 as data: texts, numbers, None, bools, lists, tuples, dicts with texts as keys, sets (as
 * lists). Nothing is ever called: opcodes that name a class or call something go to `objects`, and without it they are refused, as is
 * whatever is not understood. Throws `PickleError`. Opcodes: pickletools.py of Python's library.
 */
export function readPickle(bytes: Buffer, limits: PickleLimits, objects?: PickledObjects): PyValue {
  const value = new Machine(bytes, objects).run(limits.operations)
  checkSize(value, limits, bytes.length)
  return value
}

/** Says what data stands for a call that a pickle asks for; it calls nothing. */
export interface PickledObjects {
  /** `className` with its module: `builtins.str`. */
  called(className: string, args: readonly PyValue[]): PyValue
}

/** A class that a pickle names; only ever the operand of a call. */
class ClassName {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

type Operand = PyValue | ClassName

/** Python's pickle machine: a stack of values, marks in it, and a memo of values by number. */
class Machine {
  readonly #bytes: PickleBytes
  readonly #objects: PickledObjects | undefined
  readonly #stack: Operand[] = []
  /** Heights of the stack; what is above the last one belongs to the collection that is being built. */
  readonly #marks: number[] = []
  readonly #memo = new PickleMemo<Operand>()

  constructor(bytes: Buffer, objects: PickledObjects | undefined) {
    this.#bytes = new PickleBytes(bytes)
    this.#objects = objects
  }

  run(operationsMax: number): PyValue {
    for (let operation = 0; operation < operationsMax; operation++) {
      const code = this.#bytes.u8()
      if (code === stop) return this.#popValue()
      const done = this.#scalar(code) || this.#collection(code) || this.#bookkeeping(code) || this.#object(code)
      if (!done) throw this.#bytes.wrong(`an operation that is not data (0x${code.toString(16).padStart(2, '0')})`)
    }
    throw this.#bytes.wrong(`more than ${operationsMax} operations`)
  }

  #scalar(code: number): boolean {
    const read = scalars.get(code)
    if (read === undefined) return false
    this.#stack.push(read(this.#bytes))
    return true
  }

  #collection(code: number): boolean {
    const stack = this.#stack
    if (code === 0x5d || code === 0x8f)
      stack.push([]) // EMPTY_LIST, EMPTY_SET
    else if (code === 0x6c || code === 0x91)
      stack.push(this.#popMarked()) // LIST, FROZENSET
    else if (code === 0x61)
      this.#append([this.#popValue()]) // APPEND
    else if (code === 0x65 || code === 0x90)
      this.#append(this.#popMarked()) // APPENDS, ADDITEMS
    else if (code === 0x29)
      stack.push(new PyTuple([])) // EMPTY_TUPLE
    else if (code === 0x74)
      stack.push(new PyTuple(this.#popMarked())) // TUPLE
    else if (code >= 0x85 && code <= 0x87)
      stack.push(new PyTuple(this.#popMany(code - 0x84))) // TUPLE1…3
    else if (code === 0x7d)
      stack.push({}) // EMPTY_DICT
    else if (code === 0x64)
      this.#pushDict(this.#popMarked()) // DICT
    else if (code === 0x73)
      this.#setItems(this.#popMany(2)) // SETITEM
    else if (code === 0x75)
      this.#setItems(this.#popMarked()) // SETITEMS
    else return false
    return true
  }

  #bookkeeping(code: number): boolean {
    const bytes = this.#bytes
    if (code === 0x80)
      this.#checkProtocol(bytes.u8()) // PROTO
    else if (code === 0x95)
      bytes.advance(8) // FRAME: how many bytes a reader of files should fetch at once; ours are all here.
    else if (code === 0x28)
      this.#marks.push(this.#stack.length) // MARK
    else if (code === 0x30)
      this.#drop() // POP
    else if (code === 0x31)
      this.#dropMarked() // POP_MARK
    else if (code === 0x32)
      this.#stack.push(this.#top()) // DUP
    else if (code === 0x70)
      this.#memo.set(this.#key(), this.#top()) // PUT
    else if (code === 0x71)
      this.#memo.set(bytes.u8(), this.#top()) // BINPUT
    else if (code === 0x72)
      this.#memo.set(bytes.u32(), this.#top()) // LONG_BINPUT
    else if (code === 0x94)
      this.#memo.add(this.#top()) // MEMOIZE
    else if (code === 0x67)
      this.#recall(this.#key()) // GET
    else if (code === 0x68)
      this.#recall(bytes.u8()) // BINGET
    else if (code === 0x6a)
      this.#recall(bytes.u32()) // LONG_BINGET
    else return false
    return true
  }

  /** Only where the caller has a use for objects. */
  #object(code: number): boolean {
    if (this.#objects === undefined) return false
    if (code === 0x63)
      this.#stack.push(new ClassName(`${this.#bytes.line()}.${this.#bytes.line()}`)) // GLOBAL
    else if (code === 0x93)
      this.#pushClass(this.#popMany(2)) // STACK_GLOBAL
    else if (code === 0x52 || code === 0x81)
      this.#call(this.#objects) // REDUCE, NEWOBJ
    else if (code === 0x62)
      this.#popValue() // BUILD gives an object its attributes. What we have in its place is data and keeps none.
    else return false
    return true
  }

  #pushClass([module, name]: readonly PyValue[]): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.#bytes.wrong('a class without a name')
    this.#stack.push(new ClassName(`${module}.${name}`))
  }

  #call(objects: PickledObjects): void {
    const args = this.#popValue()
    const called = this.#pop()
    if (!(called instanceof ClassName) || !(args instanceof PyTuple)) throw this.#bytes.wrong('a call of no class')
    this.#stack.push(objects.called(called.name, args.items))
  }

  #pushDict(keysAndValues: readonly PyValue[]): void {
    this.#stack.push({})
    this.#setItems(keysAndValues)
  }

  #append(items: readonly PyValue[]): void {
    const list = this.#top()
    if (!Array.isArray(list)) throw this.#bytes.wrong('items for something that is no list')
    for (const item of items) list.push(item)
  }

  #setItems(keysAndValues: readonly PyValue[]): void {
    const dict = this.#top()
    if (!isDict(dict)) throw this.#bytes.wrong('items for something that is no dict')
    for (let i = 0; i < keysAndValues.length; i += 2) {
      const [key, value] = [keysAndValues[i], keysAndValues[i + 1]]
      if (typeof key !== 'string') throw this.#bytes.wrong('a dict with a key that is no text')
      if (value === undefined) throw this.#bytes.wrong('a key without a value')
      // NOTE: an assignment to `__proto__` would change the object instead of adding to it.
      Object.defineProperty(dict, key, { value, enumerable: true, writable: true, configurable: true })
    }
  }

  #checkProtocol(version: number): void {
    if (version > 5) throw this.#bytes.wrong(`protocol ${version}, where 5 is the newest known,`)
  }

  #key(): number {
    const line = this.#bytes.line()
    if (!/^\d{1,10}$/.test(line)) throw this.#bytes.wrong('a memo key that is no number')
    return Number(line)
  }

  #recall(key: number): void {
    const found = this.#memo.get(key)
    if (found === undefined) throw this.#bytes.wrong(`memo ${key}, which was never set,`)
    this.#stack.push(found)
  }

  #top(): Operand {
    const top = this.#stack.length > this.#floor() ? this.#stack.at(-1) : undefined
    if (top === undefined) throw this.#bytes.wrong('an operation without its operand')
    return top
  }

  #pop(): Operand {
    const top = this.#top()
    this.#stack.pop()
    return top
  }

  #popValue(): PyValue {
    return this.#value(this.#pop())
  }

  #popMany(count: number): PyValue[] {
    if (this.#stack.length - this.#floor() < count) throw this.#bytes.wrong('an operation without its operands')
    return this.#stack.splice(this.#stack.length - count).map((item) => this.#value(item))
  }

  #popMarked(): PyValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.#bytes.wrong('a collection without its begin')
    return this.#stack.splice(mark).map((item) => this.#value(item))
  }

  #dropMarked(): void {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.#bytes.wrong('an end without a begin')
    this.#stack.length = mark
  }

  /** As Python's: a mark on top of the stack is dropped like a value. */
  #drop(): void {
    if (this.#stack.length === this.#marks.at(-1)) this.#marks.pop()
    else this.#pop()
  }

  #floor(): number {
    return this.#marks.at(-1) ?? 0
  }

  #value(item: Operand): PyValue {
    if (item instanceof ClassName) throw this.#bytes.wrong(`the class ${item.name} as a value`)
    return item
  }
}

const stop = 0x2e

function isDict(value: Operand): value is { readonly [key: string]: PyValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof PyTuple || value instanceof PyFloat || value instanceof ClassName)
  )
}
