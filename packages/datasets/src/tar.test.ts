import { bytesSource } from '@learngene/tensor-io';
import { describe, expect, test } from 'vitest';
import { type TarPart, tarFile } from '../test/tar-file';
import { DatasetFileError } from './errors';
import { expandBraces, type TarEntry, tarEntries } from './index';

async function list(bytes: Uint8Array): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of tarEntries(bytesSource(bytes, 'a.tar'))) entries.push(entry);
  return entries;
}

const pax = (text: string) => {
  let length = text.length + 3;
  while (`${length} ${text}\n`.length !== length) length++;
  return `${length} ${text}\n`;
};

describe('tarEntries', () => {
  test('lists files with the place of their content', async () => {
    const bytes = tarFile([
      { name: 'b/', content: '', type: '5' },
      { name: 'b/1.jpg', content: 'x'.repeat(513) },
      { name: 'b/1.cls', content: '7' },
      { name: 'empty', content: '' },
    ]);
    const entries = await list(bytes);
    expect(entries.map(({ name, size }) => [name, size])).toEqual([
      ['b/1.jpg', 513],
      ['b/1.cls', 1],
      ['empty', 0],
    ]);
    expect(bytes.subarray(entries[1].offset, entries[1].offset + 1).toString()).toBe('7');
  });

  test('long names of pax and of GNU', async () => {
    const long = 'n'.repeat(180);
    const entries = await list(
      tarFile([
        { name: 'p', content: pax(`path=${long}.jpg`), type: 'x' },
        { name: 'short', content: '1' },
        { name: '././@LongLink', content: `${long}.cls\0`, type: 'L' },
        { name: 'short', content: '22' },
        { name: 'next', content: '' },
      ]),
    );
    expect(entries.map(({ name }) => name)).toEqual([`${long}.jpg`, `${long}.cls`, 'next']);
  });

  const bad = (part: Partial<TarPart>) => tarFile([{ name: 'a', content: 'abc', ...part }]);
  test.each<[string, () => Buffer, RegExp]>([
    ['another format', () => Buffer.alloc(1024, 7), /header at byte 0: expected a tar header with the checksum/],
    ['nothing', () => Buffer.alloc(0), /with its end mark; it is cut off/],
    ['no end', () => tarFile([{ name: 'a', content: 'abc' }], { end: false }), /with its end mark; it is cut off/],
    [
      'a size beyond the file',
      () => bad({ size: 2 ** 32 }),
      /entry "a" at byte 0: expected 4294967296 bytes, but only/,
    ],
    ['a link', () => bad({ type: '2' }), /expected a file, got an entry of type "2"/],
    ['a device', () => bad({ type: '3' }), /expected a file, got an entry of type "3"/],
    ['records without a length', () => bad({ type: 'x' }), /expected records of length, key and value/],
    ['a negative size of pax', () => bad({ type: 'x', content: pax('size=-1') }), /expected a size, got "-1"/],
    ['a sparse file', () => bad({ type: 'x', content: pax('GNU.sparse.map=0') }), /expected a whole file/],
    ['a huge name', () => bad({ type: 'L', content: 'n'.repeat(2 ** 17) }), /expected a name of at most 65536 bytes/],
  ])('%s is refused', async (_, make, message) => {
    await expect(list(make())).rejects.toThrow(message);
    await expect(list(make())).rejects.toBeInstanceOf(DatasetFileError);
  });
});

describe('expandBraces', () => {
  test('ranges keep their zeros, lists their order', () => {
    expect(expandBraces('a.tar')).toEqual(['a.tar']);
    expect(expandBraces('{x,y}/t-{09..11}.tar')).toEqual(
      ['x', 'y'].flatMap((folder) => ['09', '10', '11'].map((number) => `${folder}/t-${number}.tar`)),
    );
  });
  test.each(['{', '{a}', '{3..1}', '{a..c}', '{0..99999999}', '{0..999}{0..999}', '{a,}', 'a}'])(
    '%s is refused',
    (pattern) => expect(() => expandBraces(pattern)).toThrow(RangeError),
  );
});
