import { describe, expect, test } from 'vitest';
import { allBits, expected, fileWithHeader, fixtureBytes, namedTensors } from '../test/expected';
import { decodeSafetensors } from './safetensors-decode';
import { TensorFileError } from './tensor-file-error';

const info = (start: number, end: number, shape = `[${end - start}]`, dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${start},${end}]}`;

describe('decodeSafetensors', () => {
  test('reads what Python wrote', () => {
    const { tensors, metadata } = decodeSafetensors(fixtureBytes('all.safetensors'));
    expect(allBits(tensors)).toEqual(allBits(namedTensors(expected.tensors)));
    expect(metadata).toEqual({ format: 'pt' });
    expect(decodeSafetensors(fixtureBytes('empty.safetensors'))).toEqual({ tensors: new Map(), metadata: {} });
  });

  test('gives views where aligned, and reads unaligned bytes as well', () => {
    const aligned = fixtureBytes('all.safetensors');
    expect(decodeSafetensors(aligned).tensors.get('f64.2d.2x3')?.data.buffer).toBe(aligned.buffer);
    const shifted = new Uint8Array(aligned.length + 1);
    shifted.set(aligned, 1);
    expect(allBits(decodeSafetensors(shifted.subarray(1)).tensors)).toEqual(
      allBits(decodeSafetensors(aligned).tensors),
    );
  });

  test("reads Node's Buffers at any offset, and leaves them as they are", () => {
    const bytes = Buffer.from([0, ...fixtureBytes('all.safetensors')]).subarray(1);
    const before = Buffer.from(bytes);
    expect(allBits(decodeSafetensors(bytes).tensors)).toEqual(allBits(namedTensors(expected.tensors)));
    expect(bytes.equals(before)).toBe(true);
  });

  test('keeps metadata named __proto__, takes none for null, ignores unknown fields', () => {
    const header = `{"__metadata__":{"__proto__":"x"},"a":{"note":1,"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`;
    const { metadata, tensors } = decodeSafetensors(fileWithHeader(header));
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
    expect([...tensors.keys()]).toEqual(['a']);
    expect(decodeSafetensors(fileWithHeader('{"__metadata__":null}   ')).metadata).toEqual({});
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /at least 8 bytes, got 0/],
    ['seven bytes', new Uint8Array(7), /at least 8 bytes, got 7/],
    ['a header above the cap', fileWithHeader('{}', 0, 100_000_001n), /longer than 100000000/],
    ['a header of 2^64-1 bytes', fileWithHeader('{}', 0, 2n ** 64n - 1n), /longer than/],
    ['a header beyond the file', fileWithHeader('{}', 0, 3n), /does not fit the file of 10 bytes/],
    ['no header', fileWithHeader(''), /does not begin with \{/],
    ['white space first', fileWithHeader(' {}'), /does not begin with \{/],
    ['a byte order mark', fileWithHeader('\ufeff{}'), /does not begin with \{/],
    ['bad JSON', fileWithHeader('{"a":}'), /not valid JSON/],
    ['bad UTF-8', fileWithHeader(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), /not valid JSON in UTF-8/],
    ['an entry that is no object', fileWithHeader('{"a":[]}'), /tensor "a": expected an object, got \[\]/],
    [
      'a dtype that is a number',
      fileWithHeader('{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}', 1),
      /expected a dtype/,
    ],
    ['F8 offsets that miss the shape', fileWithHeader(`{"a":${info(0, 1, '[2]', 'F8_E4M3')}}`, 1), /takes 2 bytes/],
    ['half a byte of F4', fileWithHeader(`{"a":${info(0, 1, '[1]', 'F4')}}`, 1), /takes 0.5 bytes/],
    [
      'an unknown dtype with offsets the wrong way',
      fileWithHeader('{"a":{"dtype":"X","shape":[1],"data_offsets":[1,0]}}', 1),
      /two data_offsets, got/,
    ],
    [
      'an unknown dtype with a broken offset',
      fileWithHeader('{"a":{"dtype":"X","shape":[1],"data_offsets":[0,0.5]}}', 1),
      /two data_offsets, got/,
    ],
    ['no shape', fileWithHeader('{"a":{"dtype":"U8","data_offsets":[0,1]}}', 1), /expected a shape, got undefined/],
    ['a negative size', fileWithHeader(`{"a":${info(0, 1, '[-1,-1]')}}`, 1), /shape \[-1,-1\] is invalid/],
    ['minus zero', fileWithHeader(`{"a":${info(0, 0, '[-0]')}}`), /is invalid/],
    ['a fraction', fileWithHeader(`{"a":${info(0, 1, '[0.5,2]')}}`, 1), /is invalid/],
    ['a size that is a string', fileWithHeader(`{"a":${info(0, 1, '["1"]')}}`, 1), /is invalid/],
    ['an overflow', fileWithHeader(`{"a":${info(0, 0, '[4294967296,4294967296,0]')}}`), /too large/],
    ['no offsets', fileWithHeader('{"a":{"dtype":"U8","shape":[1]}}', 1), /expected two data_offsets, got undefined/],
    ['three offsets', fileWithHeader('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}', 1), /two data_offsets/],
    ['a negative offset', fileWithHeader('{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}'), /two data_offsets/],
    [
      'offsets that miss the shape',
      fileWithHeader(`{"a":${info(0, 1, '[2]')}}`, 1),
      /takes 2 bytes, got data_offsets \[0,1\]/,
    ],
    [
      'offsets the wrong way',
      fileWithHeader('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}', 1),
      /takes 1 bytes/,
    ],
    [
      'an end that is a string',
      fileWithHeader('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,"1"]}}', 1),
      /takes 1 bytes/,
    ],
    ['a hole at the start', fileWithHeader(`{"a":${info(1, 2)}}`, 2), /leaves a hole/],
    [
      'a hole between',
      fileWithHeader(`{"a":${info(0, 1)},"b":${info(2, 3)}}`, 3),
      /tensor "b": its data leaves a hole/,
    ],
    ['an overlap', fileWithHeader(`{"a":${info(0, 2)},"b":${info(1, 3)}}`, 3), /tensor "b": its data overlaps/],
    ['the same data twice', fileWithHeader(`{"a":${info(0, 2)},"b":${info(0, 2)}}`, 2), /overlaps/],
    ['bytes behind the data', fileWithHeader(`{"a":${info(0, 1)}}`, 2), /describes a file of/],
    ['data cut off', fileWithHeader(`{"a":${info(0, 9)}}`, 8), /describes a file of/],
    ['a tensor twice', fileWithHeader(`{"a":${info(0, 1)},"a":${info(0, 1)}}`, 1), /a key twice/],
    ['a tensor twice, escaped', fileWithHeader(`{"a":${info(0, 1)},"\\u0061":${info(0, 1)}}`, 1), /a key twice/],
    [
      'a field twice',
      fileWithHeader('{"a":{"dtype":"U8","shape":[2],"shape":[1],"data_offsets":[0,1]}}', 1),
      /a key twice/,
    ],
    ['metadata that is a string', fileWithHeader('{"__metadata__":"x"}'), /__metadata__ is not an object/],
    [
      'metadata with a number',
      fileWithHeader('{"__metadata__":{"a":1}}'),
      /__metadata__ "a": expected a string, got 1/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, { name: 'model.safetensors' })).toThrow(message);
    expect(() => decodeSafetensors(bytes, { name: 'model.safetensors' })).toThrow(/^model\.safetensors: /);
    expect(() => decodeSafetensors(bytes)).toThrow(TensorFileError);
  });

  test('does not overflow the stack on deep nesting', () => {
    expect(() => decodeSafetensors(fileWithHeader(`{"a":${'['.repeat(200_000)}`))).toThrow(/not valid JSON/);
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(() => decodeSafetensors(fileWithHeader(deep))).toThrow(TensorFileError);
  });

  test('keeps messages short', () => {
    const long = `{"${'n'.repeat(10_000)}":${info(0, 1, '[1]', 'x'.repeat(10_000))}}`;
    let message = '';
    try {
      decodeSafetensors(fileWithHeader(long, 1)).tensors.get('n'.repeat(10_000));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^safetensors: .*n{20}/);
    expect(message.length).toBeLessThan(300);
  });
});
