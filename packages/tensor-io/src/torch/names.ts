import { describeValue, PickleNamespace, PickleTuple } from '../pickle/values';
import { quoted, TensorFileError } from '../tensor-file-error';
import { StoredTensor } from './rebuild';

/** The deepest nesting. */
const MAX_DEPTH = 64;
/** The most values that are looked at; a value that stands in several places counts in each. */
const MAX_VISITS = 2 ** 20;
/** The most characters of all names together. */
const MAX_CHARACTERS = 2 ** 24;

/** What a file holds, by dotted names: the keys of dicts and the positions in lists, from the outside in. */
export interface NamedContent {
  /** The tensors, in the file's order. */
  readonly tensors: Map<string, StoredTensor>;
  /** The names of values that are no tensors; a list of plain values is one. */
  readonly others: string[];
}

/** The entries of a container by their names; undefined for a plain value. */
function entriesOf(value: unknown): Iterable<[unknown, unknown]> | undefined {
  if (value instanceof Map) return value;
  if (value instanceof PickleNamespace) return value.fields;
  if (value instanceof PickleTuple) return value.items.entries();
  if (Array.isArray(value)) return value.entries();
  return value instanceof Set ? [...value].entries() : undefined;
}

const isPlain = (value: unknown) => !(value instanceof StoredTensor) && entriesOf(value) === undefined;

/** Whether a list holds plain values only: then it has one name, not one for each. */
function isPlainList(value: unknown): boolean {
  const items = value instanceof PickleTuple ? value.items : value instanceof Set ? [...value] : value;
  return Array.isArray(items) && items.every(isPlain);
}

/** Walks through the containers of a file. */
class Walk {
  readonly tensors = new Map<string, StoredTensor>();
  readonly others: string[] = [];
  readonly #open = new Set<unknown>();
  #visits = 0;
  #characters = 0;

  constructor(private readonly file: string) {}

  #fail(problem: string): never {
    throw new TensorFileError(this.file, problem);
  }

  /** Counts a value, and the items that were looked at to tell what it is. */
  #count(visits: number, name: string): void {
    this.#visits += visits;
    this.#characters += name.length;
    if (this.#visits > MAX_VISITS)
      this.#fail(`holds more than ${MAX_VISITS} values, each place of a shared one counted`);
    if (this.#characters > MAX_CHARACTERS) this.#fail(`its names take more than ${MAX_CHARACTERS} characters`);
  }

  visit(value: unknown, name: string): void {
    this.#count(1, name);
    if (value instanceof StoredTensor) {
      const known = name === '' ? 'tensor' : name;
      if (this.tensors.has(known)) this.#fail(`two tensors have the name ${quoted(known)}`);
      this.tensors.set(known, value);
      return;
    }
    const entries = entriesOf(value);
    if (entries === undefined) {
      this.others.push(name === '' ? 'value' : name);
      return;
    }
    const size = sizeOf(value);
    this.#count(size, '');
    if (size > 0 && isPlainList(value)) {
      this.others.push(name === '' ? 'value' : name);
      return;
    }
    if (this.#open.has(value)) this.#fail(`${quoted(name)} contains itself`);
    if (this.#open.size >= MAX_DEPTH) this.#fail(`${quoted(name)}: nested deeper than ${MAX_DEPTH}`);
    this.#open.add(value);
    for (const [key, item] of entries) {
      if (typeof key === 'object') this.#fail(`${quoted(name)}: a name that is ${describeValue(key)}`);
      this.visit(item, name === '' ? String(key) : `${name}.${String(key)}`);
    }
    this.#open.delete(value);
  }
}

function sizeOf(value: unknown): number {
  if (value instanceof PickleNamespace) return value.fields.size;
  if (value instanceof PickleTuple) return value.items.length;
  return Array.isArray(value) ? value.length : (value as Map<unknown, unknown>).size;
}

/**
 * Finds the tensors in the value of a file. A value that is a tensor itself has the name `tensor`.
 *
 * @throws TensorFileError for a container that contains itself, for nesting without end, for so many places of shared
 *   values that they make a bomb, and for two tensors of one name
 */
export function namedContent(file: string, value: unknown): NamedContent {
  const walk = new Walk(file);
  walk.visit(value, '');
  return walk;
}
