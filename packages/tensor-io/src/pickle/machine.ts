import { type PickleCursor, PickleRefusal } from './cursor';
import { describeValue, type PickleGlobal, type PickleResolver, PickleTuple } from './values';

/** How many values a pickle may make; a list, a dict and the like count as eight. */
const MAX_VALUES = 2 ** 22;
/** What a container counts. */
const CONTAINER = 8;
/** The newest protocol of Python 3.14. */
const MAX_PROTOCOL = 5;

/**
 * The stack, the marks and the memo of a pickle that is being read. Each method checks what it takes: a pickle can
 * neither reach below the stack nor make more values than the budget allows.
 */
export class PickleMachine {
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  /** What is kept under 0, 1, 2, ..., as every pickler counts; under other numbers it is in `#sparse`. */
  readonly #memo: unknown[] = [];
  readonly #sparse = new Map<number, unknown>();
  #values = 0;

  /** Reads from `cursor`; what is named there comes from `resolver`. */
  constructor(
    readonly cursor: PickleCursor,
    readonly resolver: PickleResolver,
  ) {}

  /** Pushes a value that counts as one. */
  push(value: unknown): void {
    this.spend(1);
    this.#stack.push(value);
  }

  /** Pushes a new list, dict, set or tuple. */
  pushContainer(value: object): void {
    this.spend(CONTAINER);
    this.#stack.push(value);
  }

  /** Counts values that are made, so that a short pickle cannot make very many. */
  readonly spend = (count: number): void => {
    this.#values += count;
    if (this.#values > MAX_VALUES) throw new PickleRefusal(`makes more than ${MAX_VALUES} values`);
  };

  /** How many values lie above the last mark. */
  get #height(): number {
    return this.#stack.length - (this.#marks.at(-1) ?? 0);
  }

  /** Pops the top. */
  pop(): unknown {
    if (this.#height === 0) throw new PickleRefusal('takes a value where there is none (stack underflow)');
    return this.#stack.pop();
  }

  /** The top, which stays. */
  top(): unknown {
    if (this.#height === 0) throw new PickleRefusal('looks at a value where there is none (stack underflow)');
    return this.#stack[this.#stack.length - 1];
  }

  /** Sets a mark. */
  mark(): void {
    this.spend(1);
    this.#marks.push(this.#stack.length);
  }

  /** Pops what lies above the last mark, and the mark. */
  popToMark(): unknown[] {
    const start = this.#marks.pop();
    if (start === undefined) throw new PickleRefusal('goes back to a mark where there is none (stack underflow)');
    return this.#stack.splice(start);
  }

  /** Pops a value, or a mark with nothing above it. */
  discard(): void {
    if (this.#height > 0) this.#stack.pop();
    else this.popToMark();
  }

  /** Pops the top `count` values as a tuple. */
  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.pushContainer(new PickleTuple(items));
  }

  /** Keeps the top under a number. */
  put(index: number): void {
    const value = this.top();
    if (index > this.#memo.length) {
      this.spend(CONTAINER);
      this.#sparse.set(index, value);
    } else {
      this.spend(1);
      this.#memo[index] = value;
      this.#sparse.delete(index);
    }
  }

  /** Keeps the top under the next number. */
  memoize(): void {
    this.put(this.#memo.length + this.#sparse.size);
  }

  /** Pushes what was kept under a number. */
  get(index: number): void {
    const isDense = index < this.#memo.length;
    if (!isDense && !this.#sparse.has(index)) {
      throw new PickleRefusal(`asks for value ${index}, which was not kept`);
    }
    this.push(isDense ? this.#memo[index] : this.#sparse.get(index));
  }

  /** Appends values to the list on top. */
  append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new PickleRefusal(`appends to ${describeValue(list)}, which is no list`);
    for (const value of values) list.push(value);
  }

  /** Sets keys and values, one after the other, in the dict on top. */
  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw new PickleRefusal(`sets a key of ${describeValue(dict)}, which is no dict`);
    setPairs(dict, pairs);
  }

  /** Adds values to the set on top. */
  addItems(values: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw new PickleRefusal(`adds to ${describeValue(set)}, which is no set`);
    for (const value of values) set.add(value);
  }

  /** Pushes a class or a function by name. */
  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new PickleRefusal(`names a global by ${describeValue(module)} and ${describeValue(name)}, expected texts`);
    }
    this.push(this.resolver.global(module, name));
  }

  /** Calls a known function with a tuple of arguments. */
  reduce(): void {
    const args = this.pop();
    const callee = this.pop() as Partial<PickleGlobal> | null;
    if (!(args instanceof PickleTuple)) {
      throw new PickleRefusal(`calls ${describeValue(callee)} with ${describeValue(args)}, expected a tuple`);
    }
    if (typeof callee?.call !== 'function') {
      throw new PickleRefusal(`calls ${describeValue(callee)}, which is not called in a file of tensors`);
    }
    this.pushContainer(callee.call(args.items, this.spend) as object);
  }

  /** Makes an object of a known class. */
  newObject(): void {
    const args = this.pop();
    const type = this.pop() as Partial<PickleGlobal> | null;
    if (typeof type?.create !== 'function') {
      throw new PickleRefusal(`makes an object of ${describeValue(type)}, which is not made in a file of tensors`);
    }
    if (!(args instanceof PickleTuple) || args.items.length > 0) {
      throw new PickleRefusal(`makes an object of ${type.name} with ${describeValue(args)}, expected no arguments`);
    }
    this.pushContainer(type.create() as object);
  }

  /** Sets the state of the object on top. */
  build(): void {
    const state = this.pop();
    this.resolver.build(this.top(), state, this.spend);
  }

  /** Replaces an id on top by what it stands for. */
  persistent(): void {
    this.pushContainer(this.resolver.persistent(this.pop()) as object);
  }

  /** Checks the protocol that the pickle declares. */
  protocol(version: number): void {
    if (version > MAX_PROTOCOL) throw new PickleRefusal(`pickle protocol ${version} is newer than ${MAX_PROTOCOL}`);
  }

  /** The value that the pickle is of. */
  result(): unknown {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) {
      throw new PickleRefusal(`ends with ${this.#stack.length} values left over`);
    }
    return value;
  }
}

/** Sets keys and values, one after the other. Keys are texts and whole numbers. */
export function setPairs(dict: Map<unknown, unknown>, pairs: readonly unknown[]): void {
  if (pairs.length % 2 !== 0) throw new PickleRefusal('sets a key of a dict without a value');
  for (let i = 0; i < pairs.length; i += 2) {
    const key = pairs[i];
    if (typeof key !== 'string' && typeof key !== 'bigint' && !Number.isInteger(key)) {
      throw new PickleRefusal(`a key of a dict: expected a text or a whole number, got ${describeValue(key)}`);
    }
    dict.set(key, pairs[i + 1]);
  }
}
