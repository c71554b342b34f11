import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allBits, bitsOf, expected, fixtureFolder, namedTensors } from '../../test/expected';
import { expectedTorch } from '../../test/expected-torch';
import { legacyFile, op, pickle, zipFile } from '../../test/torch-files';
import { httpSource } from '../http-source';
import { openTorch } from '../torch/torch-file';
import { convertTensors } from './convert-tensors';
import { readSafetensors, writeSafetensors } from './safetensors-files';
import { isTorchPath, openTensorFile, openTorchFile, readTensors, weightsAt } from './tensor-files';

const folder = temporaryFolder('tensor-io');
const torchFile = (name: string) => join(fixtureFolder, 'torch', name);
const hexOf = (described: readonly [string, { hex: string }][]) => described.map(([name, { hex }]) => [name, hex]);

describe('files by their endings', () => {
  test('torch and safetensors are read alike', async () => {
    for (const name of ['state.pt', 'state.legacy.pt']) {
      const tensors = await readTensors(torchFile(name));
      expect([...tensors].map(([key, tensor]) => [key, bitsOf(tensor).hex])).toEqual(hexOf(expectedTorch.state));
    }
    const tensors = await readTensors(join(fixtureFolder, 'all.safetensors'));
    expect(allBits(tensors)).toEqual(allBits(namedTensors(expected.tensors)));
    const some = { key: 'ema', names: ['0.weight'], optional: ['none'] };
    expect([...(await readTensors(torchFile('checkpoint.pt'), some)).keys()]).toEqual(['0.weight']);
    expect(['a.pt', 'a.PTH', 'a.ckpt', 'a.bin', 'a.safetensors', 'pt'].map(isTorchPath)).toEqual([
      ...[true, true, true, true],
      ...[false, false],
    ]);
  });

  test('what cannot be opened is named', async () => {
    await expect(openTorchFile(join(folder, 'none.pt'))).rejects.toThrow(/none.pt: cannot open: no such file/);
    await expect(openTensorFile(undefined as never)).rejects.toThrow('undefined: expected a path');
    const wrong = join(folder, 'wrong.pt');
    writeFileSync(wrong, readFileSync(join(fixtureFolder, 'all.safetensors')));
    await expect(readTensors(wrong)).rejects.toThrow(/wrong.pt: does not look like a file of torch/);
    await expect(readTensors(torchFile('state.pt'), { names: ['none'] })).rejects.toThrow(/holds no tensor "none"/);
    await expect(readTensors(torchFile('state.pt'), { keys: 'ema' } as never)).rejects.toThrow(
      /expected only key, names/,
    );
    await expect(readTensors(torchFile('state.pt'), { key: 7 as never })).rejects.toThrow(
      /key: expected the beginning/,
    );
  });

  test('weights are at their path, or in the .bin of older versions of diffusers', () => {
    const at = join(folder, 'weights');
    mkdirSync(at);
    const path = join(at, 'diffusion_pytorch_model.safetensors');
    expect(weightsAt(path)).toBe(path);
    const older = join(at, 'diffusion_pytorch_model.bin');
    copyFileSync(torchFile('tensor.pt'), older);
    expect(weightsAt(path)).toBe(older);
    writeFileSync(path, '');
    expect(weightsAt(path)).toBe(path);
    expect(weightsAt(older)).toBe(older);
  });
});

describe('convertTensors', () => {
  test.each(['checkpoint.pt', 'checkpoint.legacy.pt'])(
    '%s: one model, and all that is no tensor is told',
    async (name) => {
      const to = join(folder, `${name}.safetensors`);
      const all = await convertTensors(torchFile(name), to);
      const read = await readSafetensors(to);
      expect(read.metadata).toEqual({ format: 'pt' });
      expect(all.tensors).toBe(expectedTorch.checkpoint.length);
      const sorted = (list: readonly [string, { hex: string }][]) => hexOf(list).sort(([a], [b]) => (a < b ? -1 : 1));
      expect(allBits(read.tensors).map(([key, { hex }]) => [key, hex])).toEqual(sorted(expectedTorch.checkpoint));
      expect(all.others).toContain('args.model');
      const ema = await convertTensors(torchFile(name), to, { key: 'ema' });
      expect(ema).toMatchObject({ tensors: 8, shared: [], others: [] });
      expect((await readSafetensors(to)).tensors.has('0.weight')).toBe(true);
      await expect(convertTensors(torchFile(name), to, { key: 'none' })).rejects.toThrow(
        /\(model, ema, opt\), got "none"/,
      );
    },
  );

  test('the bytes are those that safetensors writes, and shared tensors are told', async () => {
    const [ours, theirs] = [join(folder, 'state.safetensors'), join(folder, 'theirs.safetensors')];
    const { shared, bytes } = await convertTensors(torchFile('state.pt'), ours);
    await writeSafetensors(theirs, await readTensors(torchFile('state.pt')), { metadata: { format: 'pt' } });
    expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true);
    expect(shared.map((names) => names[0])).toEqual(['base', 'parameter']);
    expect(bytes).toBe(expectedTorch.state.reduce((sum, [, { hex }]) => sum + hex.length / 2, 0));
  });

  test('dtype changes floats only; a number that does not fit is refused', async () => {
    const from = join(folder, 'floats.safetensors');
    const tensors = {
      single: { dtype: 'F32' as const, shape: [2], data: Float32Array.of(1 / 3, -2) },
      double: { dtype: 'F64' as const, shape: [1], data: Float64Array.of(Math.PI) },
      whole: { dtype: 'I64' as const, shape: [1], data: BigInt64Array.of(5n) },
      not: { dtype: 'F32' as const, shape: [2], data: Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY) },
    };
    await writeSafetensors(from, new Map(Object.entries(tensors)), { metadata: { note: 'kept' } });
    const to = join(folder, 'half.safetensors');
    await convertTensors(from, to, { dtype: 'F16' });
    const half = await readSafetensors(to);
    expect(half.metadata).toEqual({ note: 'kept' });
    expect([...half.tensors.values()].map(({ dtype }) => dtype)).toEqual(['I64', 'F16', 'F16', 'F16']);
    expect([...half.tensors.get('single')!.data]).toEqual([0x3555, 0xc000]);
    await convertTensors(from, to, { dtype: 'F32' });
    expect([...(await readSafetensors(to)).tensors.get('double')!.data]).toEqual([Math.fround(Math.PI)]);
    await writeSafetensors(from, new Map([['large', { dtype: 'F32', shape: [1], data: Float32Array.of(70_000) }]]));
    await expect(convertTensors(from, to, { dtype: 'F16' })).rejects.toThrow(
      'tensor "large": 70000 is too large for F16',
    );
    expect((await readSafetensors(to)).tensors.has('double')).toBe(true); // the old file stays
    await expect(convertTensors(from, to, { dtype: 'F8' as never })).rejects.toThrow(
      'dtype: expected F32, F16 or BF16, got "F8"',
    );
    await expect(convertTensors(torchFile('unread.pt'), to)).rejects.toThrow(
      'tensor "C64": cannot convert dtype "C64"',
    );
  });
});

describe('over HTTP', () => {
  const floats = new Uint8Array(4_000_000);
  new Float32Array(floats.buffer).set([5, 6], 500_000);
  const stored = op.storage('FloatStorage', '0', 1_000_000);
  const value = (offset: number) => op.tensor({ storage: stored, offset, size: [2], stride: [1] });
  const pickled = pickle(op.dict(op.text('a'), value(500_000), op.text('b'), value(0)));
  const files = {
    zip: zipFile(pickled, [], floats),
    legacy: legacyFile({ value: pickled, count: 1_000_000, data: floats }),
  };
  let sent = 0;
  const server = createServer(({ url, headers }, response) => {
    const bytes = files[url!.slice(1) as keyof typeof files];
    const [start, last] = String(headers.range).replace('bytes=', '').split('-').map(Number);
    const end = Math.min(last + 1, bytes.length);
    sent += end - start;
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` });
    response.end(bytes.subarray(start, end));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each(['zip', 'legacy'])('a tensor of a file in the %s format is read by its range', async (format) => {
    sent = 0;
    const file = await openTorch(
      await httpSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${format}`),
    );
    expect([...(await file.read('a')).data]).toEqual([5, 6]);
    expect([...(await file.read('b')).data]).toEqual([0, 0]);
    expect(sent).toBeLessThan(300_000);
    await file.close();
  });
});
