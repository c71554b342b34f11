import { readdirSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { bitsOf, fixtureBytes, fixtureFolder } from '../../test/expected';
import { type DescribedTensor, expectedTorch } from '../../test/expected-torch';
import { archive, fourFloats, legacyFile, op, pickle, raw, zipFile } from '../../test/torch-files';
import { type ByteSource, bytesSource } from '../byte-source';
import { toFloat32 } from '../float32';
import { tensorsUnder } from '../tensor-file';
import { TensorFileError } from '../tensor-file-error';
import { openTorch, type TorchFile } from './torch-file';

const open = (name: string) => openTorch(bytesSource(fixtureBytes(`torch/${name}.pt`), name));

/** Every tensor of a file as the fixture describes one. */
async function contentOf(file: TorchFile): Promise<[string, DescribedTensor][]> {
  const read = file.names.map(async (name): Promise<[string, DescribedTensor]> => {
    return [name, { ...bitsOf(await file.read(name)), strides: file.info(name).strides }];
  });
  return Promise.all(read);
}

const formats = ['', '.legacy'];

describe.each(formats)('files of torch.save, format "%s"', (ending) => {
  test.each(['state', 'checkpoint', 'list', 'tensor'] as const)('%s: every tensor, bit for bit', async (name) => {
    const file = await open(name + ending);
    expect(file.format).toBe(ending === '' ? 'zip' : 'legacy');
    expect(await contentOf(file)).toEqual(expectedTorch[name]);
    await file.close();
  });

  test.each([1, 3, 4, 5])('a checkpoint in pickle protocol %i', async (protocol) => {
    const file = await open(`checkpoint-protocol${protocol}${ending}`);
    expect(await contentOf(file)).toEqual(expectedTorch.checkpoint);
  });

  test('tells what shares its bytes, and what is no tensor', async () => {
    const state = await open(`state${ending}`);
    expect(state.shared).toEqual([
      ['base', 'transposed', 'rows', 'columns', 'every-other', 'row'],
      ['parameter', 'tied'],
    ]);
    expect(state.others).toEqual([]);
    expect(state.info('row')).toMatchObject({ dtype: 'F32', shape: [6], storageOffset: 72 });
    expect(state.info('row').storage).toBe(state.info('base').storage);
    const checkpoint = await open(`checkpoint${ending}`);
    expect(checkpoint.shared).toEqual([]);
    expect(checkpoint.others).toContain('train_steps');
    expect(checkpoint.others).toContain('args.model');
    expect(checkpoint.others).toContain('opt.param_groups.0.betas');
    expect(checkpoint.others).not.toContain('opt.param_groups.0.betas.0');
  });

  test('takes one model of a checkpoint by its key', async () => {
    const file = await open(`checkpoint${ending}`);
    const ema = tensorsUnder(file, 'ema', 'x.pt');
    const expected = expectedTorch.checkpoint.filter(([name]) => name.startsWith('ema.'));
    expect(ema.names).toEqual(expected.map(([name]) => name.slice(4)));
    expect(bitsOf(await ema.read('0.weight')).hex).toBe(new Map(expected).get('ema.0.weight')!.hex);
    expect(tensorsUnder(file, 'opt.state.0', 'x.pt').names).toEqual(['step', 'exp_avg', 'exp_avg_sq']);
    expect(() => tensorsUnder(file, 'em', 'x.pt')).toThrow(
      'x.pt: key: expected the beginning of some names (model, ema, opt), got "em"',
    );
  });

  test('lists tensors of other dtypes; only asking for one throws', async () => {
    const file = await open(`unread${ending}`);
    expect(file.names).toEqual(['C64', 'C128', 'F8_E4M3', 'F8_E5M2', 'read']);
    for (const name of file.names.slice(0, 4)) {
      expect(file.info(name).dtype).toBe(name);
      await expect(file.read(name)).rejects.toMatchObject({ unreadable: true, tensor: { dtype: name } });
    }
    expect([...toFloat32(await file.read('read'))]).toEqual([0, 1, 2]);
    await expect(file.read('none')).rejects.toThrow('holds no tensor "none"');
  });

  test.each([
    ['sparse', /_rebuild_sparse_tensor/],
    ['quantised', /_rebuild_qtensor/],
    ['conjugated', /notes on a tensor \(conjugated, negated\): expected none, got a dict of 1/],
    ['device', /"torch.device"/],
    ['default-dict', /"collections.defaultdict"/],
    ['key', /a key of a dict: expected a text or a whole number, got a tuple of 2/],
    ['attribute', /sets attribute "note" of a dict of 1/],
  ])('refuses %s by name', async (name, message) => {
    await expect(open(`refused-${name}${ending}`)).rejects.toThrow(message);
  });
});

test('refuses a module by name', async () => {
  await expect(open('refused-module')).rejects.toThrow(/names "torch.nn.modules.linear.Linear", which is refused/);
});

test('every fixture is read or refused above', () => {
  const known = /^(state|checkpoint|list|tensor|unread|refused-[a-z-]+|checkpoint-protocol\d)(\.legacy)?\.pt$|^oldest/;
  expect(readdirSync(`${fixtureFolder}/torch`).filter((name) => !known.test(name))).toEqual(['expected.json']);
});

describe('what is read of a file', () => {
  /** A source that counts what is read. */
  function counted(bytes: Uint8Array): { source: ByteSource; ranges: [number, number][] } {
    const ranges: [number, number][] = [];
    const source = bytesSource(bytes, 'x.pt');
    const { read } = source;
    vi.spyOn(source, 'read').mockImplementation((offset, length) => {
      ranges.push([offset, length]);
      return read(offset, length);
    });
    return { source, ranges };
  }

  test.each(formats)('a tensor is read when it is asked for, and no more than its bytes: "%s"', async (ending) => {
    const storage = new Uint8Array(4_000_000);
    new Float32Array(storage.buffer).set([5, 6], 500);
    const value = op.tensor({
      storage: op.storage('FloatStorage', '0', 1_000_000),
      offset: 500,
      size: [2],
      stride: [1],
    });
    const bytes =
      ending === ''
        ? zipFile(pickle(value), [], storage)
        : legacyFile({ value: pickle(value), count: 1_000_000, data: storage });
    const { source, ranges } = counted(bytes);
    const file = await openTorch(source);
    const opened = ranges.reduce((sum, [, length]) => sum + length, 0);
    expect(opened).toBeLessThan(200_000);
    ranges.length = 0;
    expect([...toFloat32(await file.read('tensor'))]).toEqual([5, 6]);
    expect(ranges.map(([, length]) => length)).toEqual([ending === '' ? 30 : 8, 8]);
  });

  test('closes the source where it cannot open it', async () => {
    const { source } = counted(raw('PK nothing'));
    const close = vi.spyOn(source, 'close');
    await expect(openTorch(source)).rejects.toThrow(TensorFileError);
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('byte order', () => {
  const bigFloats = fourFloats.slice().map((_, i, all) => all[i - (i % 4) + 3 - (i % 4)]);
  const values = async (order: string, storage: Uint8Array) => {
    const note = { name: 'x/byteorder', content: raw(order) };
    const file = await openTorch(bytesSource(zipFile(pickle(op.tensor()), [note], storage)));
    return [...toFloat32(await file.read('tensor'))];
  };

  test('is that of the machine that wrote the file', async () => {
    expect(await values('little', fourFloats)).toEqual([1, 2, 3, 4]);
    expect(await values('big', bigFloats)).toEqual([1, 2, 3, 4]);
    await expect(values('middle', fourFloats)).rejects.toThrow('byteorder: expected little or big, got "middle"');
  });
});

test('a part of a storage, as old versions wrote views', async () => {
  const part = op.tuple(op.text('view'), op.int(1), op.int(2));
  const storage = op.storage('FloatStorage', '0', 4, part);
  const value = (size: number) => pickle(op.tensor({ storage, size: [size], stride: [1] }));
  const file = await openTorch(bytesSource(legacyFile({ value: value(2) })));
  expect([...toFloat32(await file.read('tensor'))]).toEqual([2, 3]);
  await expect(openTorch(bytesSource(legacyFile({ value: value(3) })))).rejects.toThrow(/lies beyond its storage of 2/);
});

test('other formats are called by their names', async () => {
  const message = (bytes: Uint8Array) => openTorch(bytesSource(bytes, 'x.pt')).then(String, ({ message }) => message);
  expect(await message(fixtureBytes('torch/oldest.tar.pt'))).toMatch(
    /^x.pt: is a tar archive, as torch wrote before 0.1.10/,
  );
  expect(await message(fixtureBytes('torch/refused-program.pt'))).toMatch(/is a program of TorchScript/);
  expect(await message(fixtureBytes('stored.npz'))).toMatch(
    /zip entry .*expected it in the folder|without ".*data.pkl"/,
  );
  expect(await message(fixtureBytes('all.safetensors'))).toMatch(/does not look like a file of torch/);
  expect(await message(pickle(op.int(5)))).toMatch(/is a pickle, but not of torch: expected its magic number, got 5/);
  expect(await message(new Uint8Array(0))).toMatch(/does not look like a file of torch: it begins with ""/);
  expect(await message(archive([]))).toMatch(/without "\/data.pkl"/);
});
