import { expect, test, vi } from 'vitest';
import { allBits, expected, fileWithHeader, fixtureBytes, namedTensors } from '../test/expected';
import { bytesSource } from './byte-source';
import { openSafetensors } from './safetensors-file';
import { TensorFileError } from './tensor-file-error';

test('reads every tensor, and for one tensor only its bytes', async () => {
  const source = bytesSource(fixtureBytes('all.safetensors'), 'all.safetensors');
  const read = vi.spyOn(source, 'read');
  const file = await openSafetensors(source);
  expect(file.metadata).toEqual({ format: 'pt' });
  expect(file.info('f32.2d.2x3')).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24 });
  read.mockClear();
  await file.read('f32.2d.2x3');
  expect(read.mock.calls).toEqual([[file.info('f32.2d.2x3').byteOffset, 24]]);
  const tensors = await Promise.all(file.names.map(async (name) => [name, await file.read(name)] as const));
  expect(allBits(new Map(tensors))).toEqual(allBits(namedTensors(expected.tensors)));
  expect(() => file.info('toString')).toThrow('all.safetensors: holds no tensor "toString"');
  await expect(file.read('none')).rejects.toThrow(TensorFileError);
  await file.close();
});

test('closes the source where it cannot open it', async () => {
  for (const bytes of [new Uint8Array(3), fileWithHeader('{}', 1)]) {
    const source = bytesSource(bytes);
    const close = vi.spyOn(source, 'close');
    await expect(openSafetensors(source)).rejects.toThrow(TensorFileError);
    expect(close).toHaveBeenCalledOnce();
  }
});

test('a source checks its range', async () => {
  const source = bytesSource(new Uint8Array(4), 'four');
  await expect(source.read(2, 3)).rejects.toThrow("four: bytes 2 to 5 lie beyond the file's 4 bytes");
  await expect(source.read(-1, 1)).rejects.toThrow(/expected an offset and a length/);
  await expect(source.read(0, 0.5)).rejects.toThrow(TensorFileError);
});
