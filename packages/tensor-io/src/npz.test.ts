import { deflateSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { allBits, expected, fixtureBytes, namedTensors } from '../test/expected';
import { crc32 } from './crc32';
import { encodeNpy } from './npy';
import { decodeNpz, encodeNpz } from './npz';
import type { TensorData } from './tensor-data';
import { TensorFileError } from './tensor-file-error';
import { type ZipRecord, zipDirectory, zipLocalHeader } from './zip-write';

const arrays = namedTensors(expected.arrays);
const vector: TensorData = { dtype: 'U8', shape: [4], data: Uint8Array.of(1, 2, 3, 4) };
const npy = encodeNpy(vector);

/** An archive of one entry whose headers may lie. */
function archive(claims: Partial<ZipRecord> = {}, body: Uint8Array = npy): Uint8Array {
  const entry: ZipRecord = {
    name: 'a.npy',
    method: 0,
    crc: crc32(npy),
    compressedSize: body.length,
    size: npy.length,
    headerOffset: 0,
    ...claims,
  };
  const header = zipLocalHeader(entry);
  return Buffer.concat([header, body, ...zipDirectory([entry], header.length + body.length)]);
}

/** Changes one 16- or 32-bit field, counted from the start of the record with this signature. */
function patched(bytes: Uint8Array, signature: number, field: number, value: number, bits: 16 | 32 = 16): Uint8Array {
  const copy = new Uint8Array(bytes);
  const view = new DataView(copy.buffer);
  let at = 0;
  while (view.getUint32(at, true) !== signature) at++;
  if (bits === 16) view.setUint16(at + field, value, true);
  else view.setUint32(at + field, value, true);
  return copy;
}
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

describe('npz', () => {
  test.each(['stored.npz', 'deflated.npz'])('reads what numpy wrote: %s', (file) => {
    expect(allBits(decodeNpz(fixtureBytes(file)))).toEqual(allBits(arrays));
  });

  test("reads Node's Buffers at any offset, and leaves them as they are", () => {
    for (let offset = 0; offset < 8; offset++) {
      const bytes = Buffer.from([...new Array(offset).fill(0), ...fixtureBytes('stored.npz')]).subarray(offset);
      const before = Buffer.from(bytes);
      expect(allBits(decodeNpz(bytes))).toEqual(allBits(arrays));
      expect(bytes.equals(before)).toBe(true);
    }
  });

  test.each([false, true])('round trip with compress %s, the same bytes every time', (compress) => {
    const bytes = encodeNpz(arrays, { compress });
    expect(allBits(decodeNpz(bytes))).toEqual(allBits(arrays));
    expect(encodeNpz(arrays, { compress })).toEqual(bytes);
    expect(decodeNpz(encodeNpz(new Map(), { compress })).size).toBe(0);
  });

  test('reads archives of another writer, with a comment at the end', () => {
    const zip = zipSync({ 'a.npy': npy, 'b.npy': [npy, { level: 0 }] }, { comment: 'archive' });
    expect(decodeNpz(zip)).toEqual(
      new Map([
        ['a', vector],
        ['b', vector],
      ]),
    );
    const commented = patched(Buffer.concat([archive(), Buffer.from('hello')]), END, 20, 5);
    expect(decodeNpz(commented).get('a')).toEqual(vector);
  });

  test('writes and reads more than 65535 arrays through zip64', () => {
    const scalar: TensorData = { dtype: 'U8', shape: [], data: Uint8Array.of(7) };
    const many = new Map(Array.from({ length: 65_536 }, (_, i) => [`${i}`, scalar]));
    const bytes = encodeNpz(many);
    const back = decodeNpz(bytes);
    expect(back.size).toBe(65_536);
    expect(back.get('65535')).toEqual(scalar);
    const locator = bytes.length - 22 - 20;
    const damaged = bytes.slice();
    damaged[locator + 8] ^= 1;
    expect(() => decodeNpz(damaged)).toThrow(/zip64 end record is not where/);
  });

  test.each(['', '../a', '/a', 'a/../b', 'a//b', 'a\\b', 'a\0', '\ud800', 'x'.repeat(70_000)])(
    'refuses the name %j',
    (name) => {
      expect(() => encodeNpz(new Map([[name, vector]]))).toThrow(TensorFileError);
    },
  );

  test.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /is not a zip archive/],
    ['other bytes', new Uint8Array(100), /is not a zip archive/],
    ['an archive cut off', archive().subarray(0, -1), /is not a zip archive, or is cut off/],
    ['a directory cut off', archive().subarray(npy.length), /central directory/],
    ['bytes before the archive', Buffer.concat([Buffer.from('x'), archive()]), /does not lie before the end record/],
    ['more entries than bytes', patched(patched(archive(), END, 10, 9), END, 8, 9), /does not lie before/],
    ['fewer entries than bytes', patched(patched(archive(), END, 10, 0), END, 8, 0), /bytes beyond its entries/],
    ['several disks', patched(archive(), END, 4, 1), /several disks/],
    ['a damaged directory', patched(archive(), CENTRAL, 0, 0), /cut off or damaged/],
    ['a name beyond the directory', patched(archive(), CENTRAL, 28, 60_000), /directory is cut off/],
    ['encryption', patched(archive(), CENTRAL, 8, 0x0801), /"a\.npy" is encrypted/],
    ['another method', patched(archive(), CENTRAL, 10, 14), /expected stored or deflated, got method 14/],
    ['a stored size that lies', archive({ size: npy.length - 1 }), /bytes cannot hold/],
    [
      'a size that deflate cannot reach',
      archive({ method: 8, size: 1e9 }, deflateSync(npy)),
      /bytes cannot hold 1000000000/,
    ],
    [
      'less data than declared',
      archive({ method: 8, size: npy.length + 5 }, deflateSync(npy)),
      /declared \d+ bytes, got \d+/,
    ],
    [
      'a bomb: more than declared',
      archive({ method: 8 }, deflateSync(new Uint8Array(1e6))),
      /declared \d+ bytes, got more/,
    ],
    [
      'a bomb of stored blocks',
      archive({ method: 8 }, deflateSync(new Uint8Array(1000), { level: 0 })),
      /damaged|got more/,
    ],
    ['damaged deflate', archive({ method: 8, size: 100 }, new Uint8Array(20).fill(255)), /deflated data is damaged/],
    ['a deflated nothing', archive({ method: 8, size: 0 }, new Uint8Array(0)), /deflated data is damaged/],
    ['a wrong checksum', archive({ crc: 1 }), /wrong checksum/],
    ['a zip64 size beyond 2^53', archive({ size: 2 ** 60 }), /a size of 1152921504606846976 is impossible/],
    ['a zip64 size that lies', archive({ method: 8, size: 2 ** 40 }), /bytes cannot hold 1099511627776/],
    ['zip64 without its field', patched(archive(), CENTRAL, 24, 0xffffffff, 32), /has no zip64 field/],
    ['an offset beyond the file', archive({ headerOffset: 5000 }), /runs into what follows/],
    ['an offset off the header', archive({ headerOffset: 1 }), /runs into what follows|has no local header/],
    ['no local header', patched(archive(), LOCAL, 0, 0), /has no local header/],
    ['a local header of another method', patched(archive(), LOCAL, 8, 8), /does not fit the directory/],
    ['a local name that is too long', patched(archive(), LOCAL, 26, 60_000), /does not fit the directory/],
    ['a name that is not UTF-8', patched(archive(), CENTRAL, 46, 0xffff), /not valid UTF-8/],
    ['a path out of the folder', zipSync({ '../a.npy': npy }), /expected names of arrays/],
    ['an absolute path', zipSync({ '/a.npy': npy }), /expected names of arrays/],
    [
      'a damaged array',
      archive({ crc: crc32(new Uint8Array(64)), size: 64 }, new Uint8Array(64)),
      /x\.npz: a\.npy: is not an npy/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => [...decodeNpz(bytes, { name: 'x.npz' })]).toThrow(message);
    expect(() => [...decodeNpz(bytes, { name: 'x.npz' })]).toThrow(/^x\.npz: /);
    expect(() => [...decodeNpz(bytes)]).toThrow(TensorFileError);
  });

  test('refuses entries that share bytes, and names that stand twice', () => {
    const entry: ZipRecord = {
      name: 'a.npy',
      method: 0,
      crc: crc32(npy),
      compressedSize: npy.length,
      size: npy.length,
      headerOffset: 0,
    };
    const header = zipLocalHeader(entry);
    const both = (second: ZipRecord) =>
      Buffer.concat([header, npy, ...zipDirectory([entry, second], header.length + npy.length)]);
    expect(() => decodeNpz(both({ ...entry, name: 'b.npy' }))).toThrow(/runs into what follows/);
    expect(() => decodeNpz(both(entry))).toThrow(/"a\.npy" stands twice/);
  });

  test('keeps to maxBytes before it inflates', () => {
    const zeros: TensorData = { dtype: 'U8', shape: [100_000], data: new Uint8Array(100_000) };
    const bytes = encodeNpz(
      new Map([
        ['a', zeros],
        ['b', zeros],
      ]),
      { compress: true },
    );
    expect(bytes.length).toBeLessThan(2000);
    expect(() => decodeNpz(bytes, { maxBytes: 150_000 })).toThrow(/take 200256 bytes, above maxBytes 150000/);
    expect(decodeNpz(bytes).size).toBe(2);
  });
});

test('crc32 has the value of the standard, also in pieces', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect(crc32(bytes)).toBe(0xcbf43926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
});
