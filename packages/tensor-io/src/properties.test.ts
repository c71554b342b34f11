import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allBits, fixtureBytes } from '../test/expected';
import { arrayOf, bytesPerElement, type DType } from './dtype';
import { decodeNpy, encodeNpy } from './npy';
import { decodeNpz, encodeNpz } from './npz';
import { decodeSafetensors } from './safetensors-decode';
import { encodeSafetensors } from './safetensors-encode';
import { type NamedTensors, type TensorData, tensorFromBytes } from './tensor-data';
import { TensorFileError } from './tensor-file-error';

const dtypes = Object.keys(arrayOf) as DType[];
const npyDtypes = dtypes.filter((dtype) => dtype !== 'BF16');
const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/\p{Surrogate}/u.test(text));
const arrayNames = fc.stringMatching(/^[a-zé.]{1,4}(\/[a-z0-9]{1,3})?$/).filter((text) => !/^\.{1,2}(\/|$)/.test(text));

/** Any tensor: 0 to 4 axes of 0 to 4, any bits. */
function tensors(types: DType[]): fc.Arbitrary<TensorData> {
  return fc
    .record({ dtype: fc.constantFrom(...types), shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }) })
    .chain(({ dtype, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1) * bytesPerElement(dtype);
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return bytes.map((data) => tensorFromBytes(dtype, shape, data));
    });
}

function named(names: fc.Arbitrary<string>, types: DType[]): fc.Arbitrary<Map<string, TensorData>> {
  const entries = fc.uniqueArray(fc.tuple(names, tensors(types)), { maxLength: 6, selector: ([key]) => key });
  return entries.map((list) => new Map(list));
}

const runs = { seed: 1, numRuns: 200 };

describe('round trips', () => {
  test('safetensors of any names, dtypes, shapes, metadata', () => {
    const law = (all: NamedTensors, metadata: Record<string, string>) => {
      const decoded = decodeSafetensors(encodeSafetensors(all, { metadata }));
      expect(allBits(decoded.tensors)).toEqual(allBits(all));
      expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(metadata).sort());
    };
    const metadata = fc.dictionary(name, name, { maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(
        named(
          name.filter((text) => text !== '__metadata__'),
          dtypes,
        ),
        metadata,
        law,
      ),
      runs,
    );
  });

  test('npy of any dtype and shape, aligned to 64 bytes', () => {
    const law = (tensor: TensorData) => {
      const bytes = encodeNpy(tensor);
      expect((bytes.length - tensor.data.byteLength) % 64).toBe(0);
      expect(allBits(new Map([['', decodeNpy(bytes)]]))).toEqual(allBits(new Map([['', tensor]])));
    };
    fc.assert(fc.property(tensors(npyDtypes), law), runs);
  });

  test('npz, stored and deflated', () => {
    const law = (all: NamedTensors, compress: boolean) => {
      expect(allBits(decodeNpz(encodeNpz(all, { compress })))).toEqual(allBits(all));
    };
    fc.assert(fc.property(named(arrayNames, npyDtypes), fc.boolean(), law), runs);
  });
});

/** One damage: bytes overwritten, cut out, doubled, or the end cut off. */
const damage = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'cut', 'double', 'end'),
  at: fc.double({ min: 0, max: 0.999999, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, undefined),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function spoil(file: Uint8Array, { kind, at, bytes, value }: Damage): Uint8Array {
  const start = Math.floor(at * file.length);
  const end = Math.min(start + bytes.length, file.length);
  if (kind === 'end') return file.slice(0, start);
  if (kind === 'cut') return Uint8Array.from([...file.subarray(0, start), ...file.subarray(end)]);
  if (kind === 'double') return Uint8Array.from([...file.subarray(0, end), ...file.subarray(start)]);
  const copy = file.slice();
  copy.set(
    bytes.subarray(0, end - start).map((byte) => value ?? byte),
    start,
  );
  return copy;
}

/** Reads damaged files: each is a TensorFileError or a whole result, soon and without much memory. */
function survives(file: Uint8Array, read: (bytes: Uint8Array) => Iterable<TensorData>): void {
  let refused = 0;
  const law = (damages: Damage[]) => {
    const bytes = damages.reduce(spoil, file);
    const started = performance.now();
    const before = process.memoryUsage().arrayBuffers;
    try {
      for (const { shape, data } of read(bytes)) {
        expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
      }
    } catch (error) {
      if (!(error instanceof TensorFileError)) throw error;
      refused++;
    }
    expect(performance.now() - started).toBeLessThan(2000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
  };
  fc.assert(fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), law), { seed: 7, numRuns: 300 });
  expect(refused).toBeGreaterThan(50);
}

describe('300 damaged files of each format', () => {
  const all = fixtureBytes('all.safetensors');
  // Header and little data, so that most damage hits what is parsed.
  const small: TensorData = { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) };
  const pair = new Map([
    ['a', small],
    ['b', small],
  ]);

  test('safetensors', () => survives(all, (bytes) => decodeSafetensors(bytes).tensors.values()));
  test('npy', () => survives(encodeNpy(small), (bytes) => [decodeNpy(bytes)]));
  test('npz, stored', () => survives(encodeNpz(pair), (bytes) => decodeNpz(bytes).values()));
  test('npz, deflated', () => survives(encodeNpz(pair, { compress: true }), (bytes) => decodeNpz(bytes).values()));
  test('npz of numpy', () => survives(fixtureBytes('deflated.npz'), (bytes) => decodeNpz(bytes).values()));
});
