import { checkNames } from './arguments';
import type { TensorData } from './tensor-data';
import { quoted, TensorFileError } from './tensor-file-error';

/** Where Node's console looks for how an object is to be shown. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * Tensors by name, some of which cannot be read. Asking for one of those, or for all, throws the error that says why.
 */
class PartlyReadable extends Map<string, TensorData> {
  readonly #problems = new Map<string, TensorFileError>();

  /** What `console.log` shows: the tensors, and for one that cannot be read its dtype and shape in the file. */
  [INSPECT](): Map<string, unknown> {
    const shownAs = (name: string) => {
      const problem = this.#problems.get(name);
      return problem ? { ...problem.tensor, unreadable: problem.message } : super.get(name);
    };
    return new Map([...this.keys()].map((name) => [name, shownAs(name)]));
  }

  /** Lists a name whose tensor cannot be read. */
  refuse(name: string, problem: TensorFileError): void {
    // A symbol cannot be cloned: structuredClone and postMessage, which read a Map past its methods, throw with the reason.
    super.set(name, Symbol(problem.message) as never);
    this.#problems.set(name, problem);
  }

  override get(name: string): TensorData | undefined {
    const problem = this.#problems.get(name);
    if (problem) throw problem;
    return super.get(name);
  }

  override set(name: string, tensor: TensorData): this {
    this.#problems.delete(name);
    return super.set(name, tensor);
  }

  override delete(name: string): boolean {
    this.#problems.delete(name);
    return super.delete(name);
  }

  override clear(): void {
    this.#problems.clear();
    super.clear();
  }

  override entries(): MapIterator<[string, TensorData]> {
    return pairs(this) as MapIterator<[string, TensorData]>;
  }

  override values(): MapIterator<TensorData> {
    return tensors(this) as MapIterator<TensorData>;
  }

  override [Symbol.iterator](): MapIterator<[string, TensorData]> {
    return this.entries();
  }

  override forEach(callback: (tensor: TensorData, name: string, map: Map<string, TensorData>) => void): void {
    for (const [name, tensor] of this) callback(tensor, name, this);
  }
}

function* pairs(map: PartlyReadable): Generator<[string, TensorData]> {
  for (const name of map.keys()) yield [name, map.get(name)!];
}

function* tensors(map: PartlyReadable): Generator<TensorData> {
  for (const name of map.keys()) yield map.get(name)!;
}

/** Collects tensors that are read one by one; see {@link PartlyReadable}. A plain Map where all can be read. */
class Collector {
  readonly #readable = new Map<string, TensorData>();
  #partly: PartlyReadable | undefined;

  add(name: string, tensor: TensorData): void {
    (this.#partly ?? this.#readable).set(name, tensor);
  }

  refuse(name: string, problem: unknown): void {
    if (!(problem instanceof TensorFileError && problem.unreadable)) throw problem;
    if (!this.#partly) {
      this.#partly = new PartlyReadable();
      for (const [earlier, tensor] of this.#readable) this.#partly.set(earlier, tensor);
    }
    this.#partly.refuse(name, problem);
  }

  get tensors(): Map<string, TensorData> {
    return this.#partly ?? this.#readable;
  }
}

/**
 * Reads the named tensors. Where one is of an unsupported kind, its error is kept: the Map lists the name, and `get` of
 * that name, or iterating over the values, throws. Any other error is thrown at once.
 */
export function readEach(names: Iterable<string>, read: (name: string) => TensorData): Map<string, TensorData> {
  const collector = new Collector();
  for (const name of names) {
    try {
      collector.add(name, read(name));
    } catch (error) {
      collector.refuse(name, error);
    }
  }
  return collector.tensors;
}

/** {@link readEach} for tensors that are read from a file. */
export async function readEachAsync(
  names: Iterable<string>,
  read: (name: string) => Promise<TensorData>,
): Promise<Map<string, TensorData>> {
  const collector = new Collector();
  for (const name of names) {
    await read(name).then(
      (tensor) => collector.add(name, tensor),
      (error: unknown) => collector.refuse(name, error),
    );
  }
  return collector.tensors;
}

/** Which tensors of a file are asked for. */
export interface AskedNames {
  /** Those that the file must hold. */
  readonly names?: readonly string[];
  /** Those that it may lack. */
  readonly optional?: readonly string[];
}

/**
 * Returns the names that are asked for, in the file's order: all where neither list is given.
 * @throws {@link TensorFileError} for one of `names` that the file does not hold.
 */
export function askedNames(file: string, held: Iterable<string>, { names, optional }: AskedNames): string[] {
  checkNames(file, 'names', names);
  checkNames(file, 'optional', optional);
  const all = new Set(held);
  if (names === undefined && optional === undefined) return [...all];
  const missing = names?.find((name) => !all.has(name));
  if (missing !== undefined) throw new TensorFileError(file, `names: holds no tensor ${quoted(missing)}`);
  const asked = new Set([...(names ?? []), ...(optional ?? [])]);
  return [...all].filter((name) => asked.has(name));
}
