import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { expected, namedTensors } from '../test/expected';
import { readNpz, readSafetensors, writeNpz, writeNpzArray, writeSafetensors } from './node';

// With TENSOR_IO_OUT=<folder> the files stay there, for `python tools/fixtures/make_tensor_io.py check <folder>`.
const folder = process.env.TENSOR_IO_OUT ?? temporaryFolder('tensor-io');

test('writes the files that Python checks', async () => {
  mkdirSync(join(folder, 'sharded'), { recursive: true });
  const tensors = namedTensors(expected.tensors);
  await writeSafetensors(join(folder, 'all.safetensors'), tensors, { metadata: { format: 'pt' } });
  const shards = join(folder, 'sharded', 'model.safetensors');
  await writeSafetensors(shards, namedTensors(expected.sharded), { maxShardBytes: 60, metadata: { format: 'pt' } });
  const arrays = namedTensors(expected.arrays);
  await writeNpz(join(folder, 'stored.npz'), arrays);
  await writeNpz(join(folder, 'deflated.npz'), arrays, { compress: true });
  const pixels = Uint8Array.from({ length: 360 }, (_, i) => i);
  await writeNpzArray(join(folder, 'images.npz'), { shape: [5, 4, 6, 3] }, [
    pixels.subarray(0, 72),
    pixels.subarray(72),
  ]);
  expect((await readSafetensors(shards)).tensors.size).toBe(6);
  expect((await readNpz(join(folder, 'images.npz'))).get('arr_0')?.data).toEqual(pixels);
});
