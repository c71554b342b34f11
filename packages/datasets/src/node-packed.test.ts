import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNpz, type TensorData } from '@learngene/tensor-io';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { packed } from './node-packed';

const folder = temporaryFolder('packed');

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A safetensors file of two 2 x 2 images and their labels, each tensor of the dtype given, all of one byte an element. */
function safetensors(dtypes: Readonly<Record<string, string>>): Uint8Array {
  const shapes: Readonly<Record<string, number[]>> = { images: [2, 2, 2], labels: [2], scale: [4] };
  let offset = 0;
  const fields = Object.entries(dtypes).map(([name, dtype]) => {
    const start = offset;
    offset += shapes[name].reduce((a, b) => a * b, 1);
    return `"${name}":{"dtype":"${dtype}","shape":[${shapes[name]}],"data_offsets":[${start},${offset}]}`;
  });
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const bytes = new Uint8Array(8 + header.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

test('tensors that nobody asked for are not judged', async () => {
  const dataset = await packed(written('a.safetensors', safetensors({ images: 'U8', labels: 'U8', scale: 'F8_E4M3' })));
  expect(dataset).toMatchObject({ size: 2, height: 2, width: 2, channels: 1 });
});

test.each([
  ['images', { images: 'F8_E5M2', labels: 'U8' }],
  ['labels', { images: 'U8', labels: 'F8_E5M2' }],
])('%s of a dtype that is not read are an error with name and dtype', async (name, dtypes) => {
  const path = written(`${name}.safetensors`, safetensors(dtypes as Record<string, string>));
  await expect(packed(path)).rejects.toThrow(`tensor "${name}": cannot read dtype "F8_E5M2"`);
  await expect(packed(path)).rejects.toThrow(DatasetFileError);
});

test('an array that is none of the images names those that are there', async () => {
  const other: TensorData = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  const path = written('b.npz', encodeNpz(new Map([['a', other]])));
  await expect(packed(path)).rejects.toThrow('expected images in "arr_0" or "images", got "a"');
});
