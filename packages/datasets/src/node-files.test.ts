import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeNpz, writeSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { tinyDataset } from '../test/tiny-dataset';
import { cifar, idx, packed } from './node';
import { packDataset } from './packed';

const root = temporaryFolder('datasets');

describe('idx, cifar, packed', () => {
  test('idx finds plain and gzip files', async () => {
    const folder = join(root, 'digits');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'train-images-idx3-ubyte.gz'),
      gzipSync(Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 8, 9])),
    );
    writeFileSync(join(folder, 'train-labels-idx1-ubyte'), Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 3]));
    const data = await idx(folder);
    expect([data.name, data.size, data.width, data.labels[0], [...(await data.read([0]))]]).toEqual([
      'digits-train',
      1,
      2,
      3,
      [8, 9],
    ]);
    await expect(idx(folder, { part: 'test' })).rejects.toThrow(
      /t10k-images-idx3-ubyte\.gz: expected a file, found none/,
    );
  });

  test('cifar reads the parts, with the names that lie beside them', async () => {
    const folder = join(root, 'cifar');
    mkdirSync(folder);
    for (const name of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']) {
      writeFileSync(join(folder, `${name}.bin`), Buffer.alloc(3073, 1));
    }
    writeFileSync(join(folder, 'train.bin'), Buffer.alloc(3074, 1));
    writeFileSync(join(folder, 'coarse_label_names.txt'), Array.from({ length: 20 }, (_, i) => `c${i}\n`).join('\n'));
    expect((await cifar(folder, { variant: 'cifar-10' })).size).toBe(5);
    expect((await cifar(folder, { variant: 'cifar-10', part: 'test' })).classes[1]).toBe('automobile');
    const coarse = await cifar(folder, { variant: 'cifar-100-coarse' });
    expect([coarse.name, coarse.size, coarse.classes[19]]).toEqual(['cifar-100-coarse-train', 1, 'c19']);
  });

  test('packed reads npz and safetensors, with the names from the metadata', async () => {
    const data = tinyDataset([1, 0, 1], ['a', 'b']);
    const tensors = await packDataset(data);
    await writeNpz(join(root, 'p.npz'), tensors);
    await writeSafetensors(join(root, 'p.safetensors'), tensors, { metadata: { classes: '["a","b"]' } });
    const npz = await packed(join(root, 'p.npz'));
    const safe = await packed(join(root, 'p.safetensors'));
    expect([npz.classes, safe.classes, npz.name]).toEqual([['0', '1'], ['a', 'b'], 'p.npz']);
    for (const again of [npz, safe]) expect(await again.read([0, 1, 2])).toEqual(await data.read([0, 1, 2]));
  });

  test('packed refuses other files, damaged ones and bad names', async () => {
    await expect(packed('x.zip')).rejects.toThrow(/^x\.zip: expected the ending \.npz or \.safetensors, got "\.zip"/);
    writeFileSync(join(root, 'bad.npz'), 'PK no zip');
    await expect(packed(join(root, 'bad.npz'))).rejects.toThrow(/bad\.npz: expected packed arrays: /);
    const tensors = await packDataset(tinyDataset([0]));
    for (const classes of ['{', '[1]', '{}']) {
      await writeSafetensors(join(root, 'names.safetensors'), tensors, { metadata: { classes } });
      await expect(packed(join(root, 'names.safetensors'))).rejects.toThrow(
        /metadata\.classes: expected a JSON list of names/,
      );
    }
  });
});
