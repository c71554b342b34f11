import { describe, expect, test } from 'vitest';
import { fromHex } from '../../test/expected';
import { expectedTorch } from '../../test/expected-torch';
import { op, pickle, raw } from '../../test/torch-files';
import { torchResolver } from '../torch/resolver';
import { StorageTable } from '../torch/storage';
import { PickleCutOff, PickleRefusal } from './cursor';
import { unpickle } from './unpickle';
import { PickleTuple } from './values';

const read = (bytes: Uint8Array) => unpickle(bytes, torchResolver(new StorageTable())).value;

/** A value as the fixture describes one. */
function described(value: unknown, sample: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && typeof sample === 'object') return { float: pythonFloat(value) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  const items = (list: readonly unknown[], key: string) => {
    const samples = (sample as Record<string, unknown[]>)[key];
    return { [key]: list.map((item, i) => described(item, samples[i])) };
  };
  if (value instanceof PickleTuple) return items(value.items, 'tuple');
  if (Array.isArray(value)) return items(value, 'list');
  if (value instanceof Set) return items([...value], 'set');
  if (!(value instanceof Map)) return value;
  const samples = (sample as { dict: [unknown, unknown][] }).dict;
  return { dict: [...value].map(([key, item], i) => [described(key, samples[i][0]), described(item, samples[i][1])]) };
}

function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Number.isInteger(value)) return `${Object.is(value, -0) ? '-' : ''}${Math.abs(value)}.0`;
  return String(value).replace('e-', 'e-');
}

describe('unpickle', () => {
  test.each(expectedTorch.pickles.map((hex, protocol) => [protocol, hex] as const))(
    'reads plain values of protocol %i as Python wrote them',
    (_, hex) => {
      const value = read(fromHex(hex));
      expect(described(value, expectedTorch.plain)).toEqual(expectedTorch.plain);
      const shared = (value as Map<string, unknown[]>).get('shared')!;
      expect(shared[0]).toBe(shared[1]);
    },
  );

  test('tells where the pickle ends, and that bytes are missing', () => {
    const bytes = raw(pickle(op.int(7)), 'more');
    expect(unpickle(bytes, torchResolver(new StorageTable()))).toEqual({ value: 7, end: bytes.length - 4 });
    for (let length = 0; length < bytes.length - 4; length++) {
      expect(() => read(bytes.subarray(0, length))).toThrow(PickleCutOff);
    }
  });

  test('a mark is popped as a value is, and what lies above it is not seen below', () => {
    expect(read(pickle('((0]01K', 5))).toBe(5); // MARK MARK POP EMPTY_LIST POP POP_MARK
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing on the stack', pickle(), /takes a value where there is none/],
    ['a pop below the mark', pickle('K', 1, '(R'), /stack underflow.*REDUCE/],
    ['no mark', pickle('K', 1, 't'), /mark where there is none.*TUPLE/],
    ['values left over', pickle('K', 1, 'K', 2), /1 values left over/],
    ['a value that was not kept', pickle('h', 9), /value 9, which was not kept.*BINGET/],
    ['an unknown opcode', pickle(0xff), /no opcode 0xff \(at byte 2\)/],
    ['a newer protocol', raw(0x80, 6, 'N.'), /protocol 6 is newer than 5/],
    ['an append to no list', pickle('K', 1, 'K', 2, 'a'), /appends to 1, which is no list/],
    ['an item of no dict', pickle(']K', 1, 'K', 2, 's'), /a list of 0, which is no dict/],
    ['a key without a value', pickle('}(K', 1, 'u'), /a key of a dict without a value/],
    ['a key that is a list', pickle('}]K', 1, 's'), /expected a text or a whole number, got a list of 0/],
    ['an item of no set', pickle('](K', 1, 0x90), /adds to a list of 0/],
    ['a number that is none', raw('Ix1\n.'), /expected a whole number, got "x1"/],
    ['a number of many digits', raw(`L${'9'.repeat(700)}L\n.`), /expected a whole number/],
    ['a number of many bytes', pickle(0x8b, 0, 0, 1, 0), /65536 bytes is longer than 256/],
    ['a float that is none', raw('F1,5\n.'), /expected a float, got "1,5"/],
    ['a text without quotes', raw('Sabc\n.'), /expected a quoted text/],
    ['a text that is no UTF-8', pickle('U', 1, 0xff), /not valid UTF-8/],
    ['a line without end', raw('V', 'x'.repeat(70_000)), /longer than 65536/],
    ['a length of 2^63', pickle(0x8d, ...new Array<number>(7).fill(0), 0x80), /a length of \d+ bytes is impossible/],
    ['a call of a number', pickle('K', 1, ')R'), /calls 1, which is not called/],
    ['a call without a tuple', pickle('ccollections\nOrderedDict\n]R'), /expected a tuple/],
    [
      'a call of a class of storages',
      pickle('ctorch\nFloatStorage\n)R'),
      /calls torch.FloatStorage, which is not called/,
    ],
    ['an object of a number', pickle('K', 1, ')', 0x81), /makes an object of 1/],
    ['an object with arguments', pickle('cargparse\nNamespace\nK', 1, 0x85, 0x81), /expected no arguments/],
    ['state of a number', pickle('K', 1, '}b'), /sets a state of 1/],
    ['an attribute of a dict', pickle('}}U', 1, 'aK', 1, 'sb'), /sets attribute "a" of a dict/],
    ['a slot state', pickle('}N}', 0x86, 'b'), /expected a dict, got a tuple/],
    ['a persistent id that is a text', pickle('U', 1, 'aQ'), /expected a storage, got "a"/],
    ['a name that is no text', pickle('K', 1, 'K', 2, 0x93), /names a global by 1 and 2/],
    ['INST', raw('(ios\nsystem\n.'), /opcode INST/],
    ['OBJ', raw('(cos\nsystem\no.'), /"os.system"/],
    ['PERSID', raw('Pabc\n.'), /opcode PERSID/],
    ['NEWOBJ_EX', pickle(0x92), /opcode NEWOBJ_EX/],
    ['EXT1', pickle(0x82, 1), /opcode EXT1/],
    ['NEXT_BUFFER', pickle(0x97), /opcode NEXT_BUFFER/],
  ])('refuses %s', (_, bytes, message) => {
    const error = failure(bytes);
    expect(error).toBeInstanceOf(PickleRefusal);
    expect(error.message).toMatch(message);
  });

  test.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['__builtin__', 'exec'],
    ['copyreg', '_reconstructor'],
    ['torch', '_utils._rebuild_tensor_v2'],
    ['torch._utils', '_rebuild_sparse_tensor'],
    ['torch._utils', '_rebuild_qtensor'],
    ['torch._utils', '_rebuild_parameter_with_state'],
    ['torch._utils', '_rebuild_device_tensor_from_numpy'],
    ['torch', 'load'],
    ['torch.nn.modules.linear', 'Linear'],
    ['numpy.core.multiarray', '_reconstruct'],
    ['collections', 'defaultdict'],
    ['', ''],
    ['__proto__', 'constructor'],
    ['constructor', 'prototype'],
  ])('refuses the global %s.%s by name, in both ways of naming it', (module, name) => {
    const message = `names ${JSON.stringify(`${module}.${name}`)}, which is refused`;
    expect(failure(pickle(op.global(module, name), ')R')).message).toContain(message);
    expect(failure(pickle(op.text(module), op.text(name), 0x93)).message).toContain(message);
  });

  test.each<[string, Uint8Array]>([
    ['lists', raw(']'.repeat(600_000), '.')],
    ['dicts that are dropped', raw('}0'.repeat(600_000), '.')],
    [
      'values from the memo',
      raw(pickle(']q', 0).subarray(0, 5), ...new Array(45).fill(raw('h\0'.repeat(100_000))), '.'),
    ],
    ['sets of one long list', raw(op.list(...new Array(50_000).fill(raw('K\x01'))), 'q\0', ...calls(200), '.')],
    ['numbers far apart in the memo', raw('N', sparsePuts(600_000), '.')],
  ])('refuses a bomb of %s', (_, bytes) => {
    expect(failure(bytes).message).toMatch(/makes more than 4194304 values/);
  });
});

/** Keeps the top under numbers that are far apart. */
function sparsePuts(count: number): Uint8Array {
  const bytes = new Uint8Array(5 * count).fill(0x72);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(5 * i + 1, 7 * i + 1, true);
  return bytes;
}

/** Calls of `set` with what the memo has under 0. */
function calls(count: number): Uint8Array[] {
  return new Array<Uint8Array>(count).fill(raw('cbuiltins\nset\nh\0', 0x85, 'R'));
}

function failure(bytes: Uint8Array): Error {
  try {
    read(bytes);
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a refusal');
}
