import { PickleRefusal } from '../pickle/cursor';
import { setPairs } from '../pickle/machine';
import { describeValue, type PickleGlobal, PickleNamespace, type PickleResolver, PickleTuple } from '../pickle/values';
import { quoted } from '../tensor-file-error';
import { REBUILD_GLOBALS } from './rebuild';
import { STORAGE_GLOBALS, type StorageTable } from './storage';

type Spend = (count: number) => void;

/** The items of a list or a tuple; none for a call without arguments. */
function itemsOf(name: string, args: readonly unknown[], spend: Spend): readonly unknown[] {
  const [given = []] = args;
  const items = given instanceof PickleTuple ? given.items : given;
  if (!Array.isArray(items) || args.length > 1) {
    throw new PickleRefusal(`${name}: expected one list or nothing, got ${args.map(describeValue).join(', ')}`);
  }
  spend(items.length);
  return items;
}

function orderedDict(args: readonly unknown[], spend: Spend): Map<unknown, unknown> {
  const dict = new Map<unknown, unknown>();
  for (const pair of itemsOf('collections.OrderedDict', args, spend)) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) {
      throw new PickleRefusal(`collections.OrderedDict: expected pairs, got ${describeValue(pair)}`);
    }
    setPairs(dict, items);
  }
  return dict;
}

/** A torch.Size is a tuple. */
function size(args: readonly unknown[], spend: Spend): PickleTuple {
  return new PickleTuple(itemsOf('torch.Size', args, spend));
}

/** Bytes, as protocols before 3 write them: a text whose characters are the bytes. */
function latin1Bytes([text, coding]: readonly unknown[], spend: Spend): Uint8Array {
  if (typeof text !== 'string' || coding !== 'latin1') {
    const got = `${describeValue(text)} and ${describeValue(coding)}`;
    throw new PickleRefusal(`_codecs.encode: expected a text and "latin1", got ${got}`);
  }
  spend(text.length);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** `bytes()`, as protocols before 3 write bytes that are empty. */
function noBytes(args: readonly unknown[]): Uint8Array {
  if (args.length === 0) return new Uint8Array(0);
  throw new PickleRefusal(`bytes: expected no arguments, got ${args.map(describeValue).join(', ')}`);
}

/** Classes and functions of plain containers; Python 2 and protocol 2 call the module of some `__builtin__`. */
const CONTAINERS: readonly PickleGlobal[] = /* @__PURE__ */ (() => [
  { name: 'collections.OrderedDict', call: orderedDict },
  { name: 'torch.Size', call: size },
  { name: '_codecs.encode', call: latin1Bytes },
  // The options of a training script (`args` of facebookresearch/DiT): nothing but names and values
  { name: 'argparse.Namespace', create: () => new PickleNamespace() },
  ...['builtins', '__builtin__'].flatMap((module) => [
    { name: `${module}.bytes`, call: noBytes },
    ...['set', 'frozenset'].map((type) => {
      const name = `${module}.${type}`;
      return { name, call: (args: readonly unknown[], spend: Spend) => new Set(itemsOf(name, args, spend)) };
    }),
  ]),
])();

/** All that a file of tensors may name. */
const GLOBALS: ReadonlyMap<string, PickleGlobal> = /* @__PURE__ */ (() =>
  new Map([...REBUILD_GLOBALS, ...STORAGE_GLOBALS, ...CONTAINERS].map((known) => [known.name, known])))();

function findGlobal(module: string, name: string): PickleGlobal {
  const full = `${module}.${name}`;
  const found = GLOBALS.get(full);
  // Two halves that only together make a known name, such as "torch" and "_utils._rebuild_tensor_v2", name another thing.
  if (found !== undefined && !name.includes('.')) return found;
  throw new PickleRefusal(
    `names ${quoted(full)}, which is refused: only tensors, storages and plain containers are read, and no code is run`,
  );
}

function buildState(object: unknown, state: unknown, spend: Spend): void {
  if (!(state instanceof Map)) {
    throw new PickleRefusal(`the state of ${describeValue(object)}: expected a dict, got ${describeValue(state)}`);
  }
  if (object instanceof PickleNamespace) {
    spend(state.size);
    for (const [name, value] of state) object.fields.set(name, value);
    return;
  }
  // The versions of modules, which a state dict has as an attribute beside its tensors
  const odd = [...state.keys()].find((name) => name !== '_metadata');
  if (object instanceof Map && odd === undefined) return;
  const what = odd === undefined ? 'a state' : `attribute ${describeValue(odd)}`;
  throw new PickleRefusal(`sets ${what} of ${describeValue(object)}, which is not read`);
}

/** What the pickles of a file may name; its storages go to `storages`. */
export function torchResolver(storages: StorageTable): PickleResolver {
  return { global: findGlobal, persistent: (id) => storages.resolve(id), build: buildState };
}
