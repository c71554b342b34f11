import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TensorData } from '@learngene/tensor-io';
import { writeNpz, writeSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { detectDataset, packed } from './node';

const root = temporaryFolder('datasets-detect');

/** A folder with empty files (and, of names that end in a slash, folders). */
function folder(name: string, ...entries: string[]): string {
  for (const entry of entries) {
    const path = join(root, name, entry);
    mkdirSync(entry.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!entry.endsWith('/')) writeFileSync(path, '');
  }
  mkdirSync(join(root, name), { recursive: true });
  return join(root, name);
}
const bytes = (...shape: number[]): TensorData => ({
  dtype: 'U8',
  shape,
  data: new Uint8Array(shape.reduce((a, b) => a * b, 1)),
});

describe('detectDataset', () => {
  test.each<[string, string, string[]]>([
    ['idx', 'train-images-idx3-ubyte', ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte']],
    ['idx', 't10k-images-idx3-ubyte.gz', ['t10k-images-idx3-ubyte.gz', 'a/1.png']],
    ['cifar10', 'data_batch_1.bin', ['data_batch_1.bin', 'batches.meta.txt']],
    ['cifar10', 'test_batch.bin', ['test_batch.bin']],
    ['cifar100', 'fine_label_names.txt', ['train.bin', 'fine_label_names.txt']],
    ['cifar100', 'test.bin', ['test.bin']],
    ['emoji', 'emoji.json', ['emoji.json', 'img/']],
    ['folder', '2 folders', ['a/1.png', 'b/1.png', '.hidden/1.png', '__MACOSX/1.png']],
  ])('%s by %s', async (kind, by, entries) => {
    expect(await detectDataset(folder(`${kind} ${by}`, ...entries))).toEqual({ kind, by });
  });

  test('packed arrays, whatever else the file holds', async () => {
    const [npz, safetensors] = [join(root, 'a.npz'), join(root, 'a.safetensors')];
    await writeNpz(npz, new Map([['arr_0', bytes(2, 4, 4, 3)]]));
    const wide: TensorData = { dtype: 'F64', shape: [1], data: new Float64Array(1) };
    await writeSafetensors(
      safetensors,
      new Map([
        ['images', bytes(2, 4, 4, 3)],
        ['other', wide],
      ]),
    );
    expect(await detectDataset(npz)).toEqual({ kind: 'packed', by: 'its tensor "arr_0"' });
    expect(await detectDataset(safetensors)).toEqual({ kind: 'packed', by: 'its tensor "images"' });
    expect((await packed(safetensors)).size).toBe(2);
  });

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ['nothing', () => join(root, 'none'), /expected a folder or a file, found none/],
    ['an empty folder', () => folder('empty'), /got an empty one/],
    ['loose images', () => folder('loose', '1.png', '2.png'), /got files alone \(1\.png, 2\.png\)/],
    ['CIFAR-10 for Python', () => folder('python', 'data_batch_1'), /Python version of CIFAR-10; expected the binary/],
    [
      'one IDX file',
      () => join(folder('idx', 'x-idx3-ubyte.gz'), 'x-idx3-ubyte.gz'),
      /a single IDX file; give the folder/,
    ],
    ['a text', () => join(folder('text', 'a.txt'), 'a.txt'), /expected a folder, an .npz or a .safetensors file/],
    [
      'tensors that are no images',
      async () => {
        const file = join(root, 'weights.safetensors');
        await writeSafetensors(file, new Map([['blocks.0.weight', bytes(2)]]));
        return file;
      },
      /expected images in "arr_0" or "images", got "blocks\.0\.weight"/,
    ],
    ['a damaged file', () => join(folder('bad', 'b.npz'), 'b.npz'), /b\.npz: expected packed arrays/],
  ])('%s is refused', async (_, make, message) => {
    const path = await make();
    await expect(detectDataset(path)).rejects.toThrow(message);
    await expect(detectDataset(path)).rejects.toBeInstanceOf(DatasetFileError);
  });
});
