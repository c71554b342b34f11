import { describe, expect, test } from 'vitest';
import { bitsOf, expected, fromHex, namedTensors } from '../test/expected';
import { decodeNpy, encodeNpy } from './npy';
import { TensorFileError } from './tensor-file-error';

const arrays = namedTensors(expected.arrays);

/** An npy file around any header text. */
function npyFile(header: string, dataBytes = 0, version: [number, number] = [1, 0]): Uint8Array {
  const text = new TextEncoder().encode(header);
  const start = version[0] === 1 ? 10 : 12;
  const file = new Uint8Array(start + text.length + dataBytes);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version]);
  new DataView(file.buffer).setUint16(8, text.length, true);
  file.set(text, start);
  return file;
}

const dict = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

describe('npy', () => {
  test.each(Object.keys(expected.npy))('%s: gives and reads the bytes of numpy', (name) => {
    const tensor = arrays.get(name)!;
    const bytes = fromHex(expected.npy[name]);
    expect(Buffer.from(encodeNpy(tensor)).toString('hex')).toBe(expected.npy[name]);
    expect(bitsOf(decodeNpy(bytes))).toEqual(bitsOf(tensor));
  });

  test('reads versions 1, 2 and 3', () => {
    for (const hex of expected.npyVersions) expect(bitsOf(decodeNpy(fromHex(hex)))).toEqual(bitsOf(arrays.get('f4')!));
  });

  test('reads old spellings of a type', () => {
    expect(decodeNpy(npyFile(dict("'f4'", '(1,)'), 4)).dtype).toBe('F32');
    expect(decodeNpy(npyFile(dict("'|b1'", '()'), 1))).toEqual({ dtype: 'BOOL', shape: [], data: Uint8Array.of(0) });
    expect(decodeNpy(npyFile(dict("'>u1'", '(2L,)'), 2)).shape).toEqual([2]);
  });

  test('does not know bfloat16', () => {
    expect(() => encodeNpy({ dtype: 'BF16', shape: [1], data: Uint16Array.of(0) })).toThrow(/npy has no BF16/);
    expect(() => encodeNpy({ dtype: 'U8', shape: [2], data: Uint8Array.of(0) })).toThrow(TensorFileError);
    const shape = new Array(40_000).fill(1);
    expect(() => encodeNpy({ dtype: 'U8', shape, data: Uint8Array.of(0) })).toThrow(/40000 axes/);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /is not an npy file/],
    ['only the magic', Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), /got undefined\.undefined/],
    ['another file', new Uint8Array(64), /is not an npy file/],
    ['version 4', npyFile(dict("'|u1'", '()'), 1, [4, 0]), /got 4\.0/],
    ['version 1.1', npyFile(dict("'|u1'", '()'), 1, [1, 1]), /got 1\.1/],
    ['a header beyond the file', npyFile(dict("'|u1'", '()'), 0).subarray(0, 40), /does not fit/],
    ['Python objects', fromHex(expected.npyObject), /Python objects \(pickle, descr "\|O"\), which are not read/],
    ['structures', fromHex(expected.npyStructured), /unsupported descr/],
    ['strings', npyFile(dict("'<U4'", '(1,)'), 16), /unsupported descr "<U4"/],
    ['complex numbers', npyFile(dict("'<c8'", '(1,)'), 8), /unsupported descr "<c8"/],
    ['a descr of __proto__', npyFile(dict("'__proto__'", '(1,)'), 8), /unsupported descr/],
    ['no dict', npyFile('(1, 2, 3)'), /is not a dict/],
    ['a field too many', npyFile("{'descr':'<f4','fortran_order':False,'shape':(),'x':1}", 4), /is not a dict/],
    ['other fields', npyFile("{'a':'<f4','b':False,'c':()}", 4), /expected a descr in the npy header/],
    ['an order that is no bool', npyFile(dict("'<f4'", '()', '0'), 4), /expected True or False, got 0/],
    ['a shape that is a number', npyFile(dict("'<f4'", '(3)'), 12), /shape 3 is invalid/],
    ['a negative size', npyFile(dict("'<f4'", '(-1,)'), 4), /shape \[-1\] is invalid/],
    ['a bool as size', npyFile(dict("'<f4'", '(True,)'), 4), /is invalid/],
    ['an overflow', npyFile(dict("'<f4'", '(4294967296, 4294967296, 0)')), /too large/],
    ['data cut off', npyFile(dict("'<f4'", '(2,)'), 7), /makes \d+ bytes, got \d+/],
    ['bytes behind the data', npyFile(dict("'<f4'", '(2,)'), 9), /makes \d+ bytes, got \d+/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeNpy(bytes, { name: 'x.npy' })).toThrow(message);
    expect(() => decodeNpy(bytes, { name: 'x.npy' })).toThrow(/^x\.npy: /);
    expect(() => decodeNpy(bytes)).toThrow(TensorFileError);
  });

  test('refuses a version 3 header that is not UTF-8', () => {
    const bytes = fromHex(expected.npyVersions[2]);
    bytes[40] = 0xff;
    expect(() => decodeNpy(bytes)).toThrow(/not valid UTF-8/);
  });
});
