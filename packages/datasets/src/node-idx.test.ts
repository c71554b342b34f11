import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { detectDataset, idx } from './node';

const root = temporaryFolder('datasets-idx');

/** An IDX file of unsigned bytes (08) or int32 (0c). */
function idxFile(shape: readonly number[], data: readonly number[], type: 8 | 12 = 8): Buffer {
  const head = Buffer.from([0, 0, type, shape.length]);
  const sizes = Buffer.alloc(4 * shape.length);
  shape.forEach((size, i) => {
    sizes.writeUInt32BE(size, 4 * i);
  });
  const values = Buffer.alloc(type === 12 ? 4 * data.length : data.length);
  data.forEach((value, i) => {
    if (type === 12) values.writeInt32BE(value, 4 * i);
    else values[i] = value;
  });
  return Buffer.concat([head, sizes, values]);
}

function folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

const IMAGES = idxFile([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
/** Class, series, writer, digit, NIST class, index and two that are not used. */
const ROWS = [7, 4, 3000, 12, 37, 70000, 0, 0, 2, 4, 3001, 13, 32, 70001, 0, 0];

describe('QMNIST', () => {
  const files = {
    'qmnist-test-images-idx3-ubyte.gz': gzipSync(IMAGES),
    'qmnist-test-labels-idx2-int.gz': gzipSync(idxFile([2, 8], ROWS, 12)),
  };

  test('the first column of its int32 labels is the class', async () => {
    const path = folder('qmnist', files);
    expect(await detectDataset(path)).toEqual({ kind: 'idx', by: 'qmnist-test-images-idx3-ubyte.gz' });
    const data = await idx(path, { part: 'test' });
    expect([...data.labels]).toEqual([7, 2]);
    expect(data.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect([...(await data.read([1]))]).toEqual([4, 5, 6, 7]);
  });

  test.each<[string, Buffer, RegExp]>([
    ['another number of columns', idxFile([2, 7], ROWS.slice(0, 14), 12), /expected labels \[2\].*got \[2, 7\]/],
    ['a table of bytes', idxFile([2, 8], new Array(16).fill(1)), /expected labels \[2\].*got \[2, 8\]/],
    ['a label below 0', idxFile([2], [0, -1], 12), /expected labels from 0 to 1048575, got -1/],
    ['a huge label', idxFile([2], [0, 2 ** 31 - 1], 12), /expected labels from 0 to 1048575, got 2147483647/],
  ])('%s is refused', async (name, labels, message) => {
    const path = folder(name, { ...files, 'qmnist-test-labels-idx2-int': labels });
    await expect(idx(path, { part: 'test' })).rejects.toThrow(message);
  });

  test('images of int32 are refused', async () => {
    const path = folder('wide', { ...files, 'qmnist-test-images-idx3-ubyte': idxFile([2, 1, 1], [1, 2], 12) });
    await expect(idx(path, { part: 'test' })).rejects.toThrow(/of unsigned bytes, got \[2, 1, 1\] of int32/);
  });
});

describe('EMNIST', () => {
  const letters = {
    'emnist-letters-train-images-idx3-ubyte': IMAGES,
    'emnist-letters-train-labels-idx1-ubyte': idxFile([2], [1, 3]),
    'emnist-letters-mapping.txt': '1 65 97\n2 66 98\n3 67 99\n',
  };
  const balanced = {
    'emnist-balanced-train-images-idx3-ubyte': IMAGES,
    'emnist-balanced-train-labels-idx1-ubyte': idxFile([2], [1, 0]),
    'emnist-balanced-mapping.txt': '0 48\n1 97 \n',
  };

  test('labels from 1 are classes from 0, and columns become rows', async () => {
    const data = await idx(folder('letters', letters));
    expect([data.classes, [...data.labels]]).toEqual([
      ['Aa', 'Bb', 'Cc'],
      [0, 2],
    ]);
    expect([...(await data.read([0]))]).toEqual([0, 2, 1, 3]);
  });

  test('of several sets in a folder one is named', async () => {
    const path = folder('both', { ...letters, ...balanced });
    await expect(idx(path)).rejects.toThrow(/expected the files of one set, got emnist-balanced, emnist-letters; name/);
    await expect(idx(path, { variant: 'digits' })).rejects.toThrow(/expected the set emnist-digits, got emnist-bal/);
    const data = await idx(path, { variant: 'balanced' });
    expect([data.classes, [...data.labels]]).toEqual([
      ['0', 'a'],
      [1, 0],
    ]);
  });

  test.each<[string, Readonly<Record<string, string>> | undefined, RegExp]>([
    ['no mapping', undefined, /emnist-letters-mapping\.txt: expected the mapping file of EMNIST.*found none/],
    ['a label that is not mapped', { map: '1 65\n2 66' }, /expected one of the 2 labels of the classes, got 3 at 1/],
    ['a label twice', { map: '1 65\n1 66' }, /line 2: expected every label and class once/],
    ['a class twice', { map: '1 65\n2 65' }, /line 2: expected every label and class once/],
    ['no code', { map: '1' }, /line 1: expected a label and codes of characters, got "1"/],
    ['a code that cannot be seen', { map: '1 7' }, /line 1: expected a label and codes/],
    ['no lines', { map: '\n' }, /expected lines of labels, got none/],
  ])('%s is refused', async (name, replaced, message) => {
    const { 'emnist-letters-mapping.txt': _, ...rest } = letters;
    const path = folder(name, replaced === undefined ? rest : { ...rest, 'emnist-letters-mapping.txt': replaced.map });
    await expect(idx(path)).rejects.toThrow(message);
    await expect(idx(path)).rejects.toBeInstanceOf(DatasetFileError);
  });
});
