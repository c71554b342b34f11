/** A tuple of Python. A list is an array, a dict a Map, a set a Set, bytes a Uint8Array, None null. */
export class PickleTuple {
  /** Makes a tuple of its items. */
  constructor(readonly items: readonly unknown[]) {}
}

/** A class or a function that a pickle names and that is known. It is data here: nothing of Python is run. */
export interface PickleGlobal {
  /** Its name in Python: `torch._utils._rebuild_tensor_v2`. */
  readonly name: string;
  /**
   * What a call of it gives; nothing for one that must not be called. What it copies it counts by `spend`, since a
   * pickle can call it again and again with the same arguments.
   */
  readonly call?: (args: readonly unknown[], spend: (count: number) => void) => unknown;
  /** What a new object of this class is, before its state is set; nothing for one that has none. */
  readonly create?: () => unknown;
}

/** What a pickle may name. All three throw for what they do not know. */
export interface PickleResolver {
  /** A class or a function, by its module and its name there. */
  global(module: string, name: string): PickleGlobal;
  /** An object that lies outside of the pickle, by its id. */
  persistent(id: unknown): unknown;
  /** Sets the state of an object. */
  build(object: unknown, state: unknown, spend: (count: number) => void): void;
}

/** The attributes of an object that is nothing but attributes (`argparse.Namespace`). */
export class PickleNamespace {
  /** The attributes by name. */
  readonly fields = new Map<unknown, unknown>();
}

/** A value of a pickle in a message: what it is, shortened. */
export function describeValue(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value !== 'object') return String(value).slice(0, 80);
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof Set) return `a set of ${value.size}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return 'name' in value && typeof value.name === 'string' ? value.name : 'an object';
}
