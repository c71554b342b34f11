import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { allBits, expected, fixtureBytes, fixtureFolder, namedTensors } from '../../test/expected';
import { openNpz } from '../npz-file';
import { TensorFileError } from '../tensor-file-error';
import { fileSource } from './file-source';
import { writeNpzArray } from './npz-array-writer';
import { readNpz, writeNpz } from './npz-files';
import { openSafetensorsFile, readSafetensors, writeSafetensors } from './safetensors-files';
import { sha256File } from './sha256-file';

const folder = temporaryFolder('tensor-io');
const tensors = namedTensors(expected.tensors);
const sharded = namedTensors(expected.sharded);

describe('fileSource', () => {
  test('reads ranges, and names what it cannot read', async () => {
    const path = join(folder, 'range');
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4));
    const source = await fileSource(path);
    expect(source.size).toBe(4);
    expect(await source.read(1, 2)).toEqual(Uint8Array.of(2, 3));
    await expect(source.read(3, 2)).rejects.toThrow(/lie beyond/);
    truncateSync(path, 2);
    await expect(source.read(0, 4)).rejects.toThrow(`${path}: ended at byte 2 while it was read`);
    await source.close();
    await expect(source.read(0, 1)).rejects.toThrow(TensorFileError);
    await expect(fileSource(join(folder, 'none'))).rejects.toThrow(
      /none: cannot open: no such file or folder \(ENOENT\)/,
    );
    await expect(fileSource(folder)).rejects.toThrow(/it is no regular file/);
  });
});

describe('safetensors on disk', () => {
  test('round trip, the bytes of Python', async () => {
    const path = join(folder, 'all.safetensors');
    await writeSafetensors(path, tensors, { metadata: { format: 'pt' } });
    expect(readFileSync(path).equals(fixtureBytes('all.safetensors'))).toBe(true);
    const back = await readSafetensors(path);
    expect(allBits(back.tensors)).toEqual(allBits(tensors));
    expect(back.metadata).toEqual({ format: 'pt' });
  });

  test('reads shards by either name', async () => {
    for (const name of ['model.safetensors', 'model.safetensors.index.json']) {
      const back = await readSafetensors(join(fixtureFolder, 'sharded', name));
      expect(allBits(back.tensors)).toEqual(allBits(sharded));
    }
  });

  test('writes shards as huggingface_hub does, and removes those of an earlier checkpoint', async () => {
    const at = join(folder, 'shards');
    mkdirSync(at);
    const path = join(at, 'model.safetensors');
    for (const other of ['model.safetensors.backup', 'model-00001-of-00002.safetensors.txt', 'other.safetensors']) {
      writeFileSync(join(at, other), '');
    }
    await writeSafetensors(path, sharded, { maxShardBytes: 25 });
    expect(readdirSync(at)).toHaveLength(3 + 6 + 1);
    await writeSafetensors(path, sharded, { maxShardBytes: 60, metadata: { format: 'pt' } });
    const names = readdirSync(join(fixtureFolder, 'sharded'));
    for (const name of names) expect(readFileSync(join(at, name)).equals(fixtureBytes(`sharded/${name}`))).toBe(true);
    expect(readdirSync(at)).toHaveLength(3 + names.length);
    await writeSafetensors(path, sharded);
    expect(readdirSync(at).sort()).toEqual([
      'model-00001-of-00002.safetensors.txt',
      'model.safetensors',
      'model.safetensors.backup',
      'other.safetensors',
    ]);
    expect(allBits((await readSafetensors(path)).tensors)).toEqual(allBits(sharded));
  });

  test('reads one tensor of a file with a hole of 8 GB that it never reads', async () => {
    const path = join(folder, 'sparse.safetensors');
    const header =
      '{"big":{"dtype":"U8","shape":[8000000000],"data_offsets":[0,8000000000]},"x":{"dtype":"U8","shape":[2],"data_offsets":[8000000000,8000000002]}}';
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([prefix, Buffer.from(header)]));
    truncateSync(path, 8 + header.length + 8_000_000_002);
    const file = await openSafetensorsFile(path);
    expect((await file.read('x')).data).toEqual(Uint8Array.of(0, 0));
    await file.close();
  });

  test('writes nothing where one shard cannot be encoded', async () => {
    const at = join(folder, 'nothing');
    mkdirSync(at);
    const bad = new Map([...sharded, ['bad', { dtype: 'F32', shape: [2], data: new Float32Array(1) } as const]]);
    await expect(writeSafetensors(join(at, 'm.safetensors'), bad, { maxShardBytes: 60 })).rejects.toThrow(
      /tensor "bad"/,
    );
    expect(readdirSync(at)).toEqual([]);
  });
});

describe('npz on disk', () => {
  test.each([false, true])('round trip with compress %s', async (compress) => {
    const path = join(folder, `arrays-${compress}.npz`);
    const arrays = namedTensors(expected.arrays);
    await writeNpz(path, arrays, { compress });
    expect(allBits(await readNpz(path))).toEqual(allBits(arrays));
    await expect(readNpz(path, { maxBytes: 10 })).rejects.toThrow(`${path}: the arrays take`);
  });

  test('writeNpzArray writes rows as they come', async () => {
    const path = join(folder, 'images.npz');
    async function* rows() {
      for (let i = 0; i < 3; i++) yield new Uint8Array(12).fill(i);
    }
    await writeNpzArray(path, { shape: [3, 2, 2, 3] }, rows());
    const images = (await readNpz(path)).get('arr_0')!;
    expect(images).toMatchObject({ dtype: 'U8', shape: [3, 2, 2, 3] });
    expect((images.data as Uint8Array)[35]).toBe(2);
    const file = await openNpz(await fileSource(path));
    expect((await file.readRows('arr_0', 1, 1)).data).toEqual(new Uint8Array(12).fill(1));
    await file.close();
    await writeNpzArray(path, { shape: [2], dtype: 'F32', name: 'x' }, [Float32Array.of(1), Float32Array.of(2)]);
    expect((await readNpz(path)).get('x')?.data).toEqual(Float32Array.of(1, 2));
  });

  test('writeNpzArray checks what comes, and then leaves no file', async () => {
    const path = join(folder, 'bad.npz');
    const bytes = new Uint8Array(2);
    await expect(writeNpzArray(path, { shape: [3] }, [bytes])).rejects.toThrow(
      `${path}: shape [3] takes 3 bytes, got 2`,
    );
    await expect(writeNpzArray(path, { shape: [3] }, [bytes, bytes])).rejects.toThrow(/got more values/);
    await expect(writeNpzArray(path, { shape: [1] }, [Float32Array.of(1)])).rejects.toThrow(
      /expected rows of Uint8Array/,
    );
    await expect(writeNpzArray(path, { shape: [-1] }, [])).rejects.toThrow(/natural numbers, got \[-1\]/);
    expect(readdirSync(folder).filter((name) => name.includes('bad.npz'))).toEqual([]);
  });
});

test('sha256File hashes a file, and names one that is not there', async () => {
  const path = join(fixtureFolder, 'all.safetensors');
  expect(await sha256File(path)).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
  await expect(sha256File(join(folder, 'none'))).rejects.toThrow(/none: cannot read: no such file or folder/);
});
