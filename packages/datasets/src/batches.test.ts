import { createGenerator, uniform } from '@learngene/random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tinyDataset } from '../test/tiny-dataset';
import { type Batch, type BatchOptions, type BatchState, createBatches } from './batches';
import { readInOrder } from './in-order';
import type { ImageDataset } from './types';

const labelsOf = (size: number) => Array.from({ length: size }, (_, i) => (i * 7) % 3);
const dataset = (size: number) => tinyDataset(labelsOf(size), ['a', 'b', 'c']);

async function take(
  data: ImageDataset,
  options: BatchOptions,
  count: number,
): Promise<{ batches: Batch[]; state: BatchState }> {
  const source = createBatches(data, options);
  const batches: Batch[] = [];
  for (let i = 0; i < count; i++) batches.push(await source.next());
  source.close();
  return { batches, state: source.state() };
}

const settings = fc.record({
  size: fc.integer({ min: 1, max: 13 }),
  batchSize: fc.integer({ min: 1, max: 20 }),
  seed: fc.integer(),
  shuffle: fc.boolean(),
  flip: fc.boolean(),
  remainder: fc.constantFrom('carry' as const, 'short' as const),
  groupByClass: fc.boolean(),
});

describe('laws', () => {
  test('every index appears exactly once an epoch', async () => {
    await fc.assert(
      fc.asyncProperty(settings, async ({ size, ...options }) => {
        const { batches } = await take(dataset(size), { ...options, groupByClass: false }, 12);
        const seen = batches.flatMap(({ indices }) => [...indices]);
        for (let start = 0; start + size <= seen.length; start += size) {
          const epoch = seen.slice(start, start + size).sort((a, b) => a - b);
          expect(epoch).toEqual(Array.from({ length: size }, (_, i) => i));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('going on from any state gives the bits of the unbroken run, whatever is read ahead', async () => {
    const prefetches = fc.tuple(fc.nat(3), fc.nat(3));
    await fc.assert(
      fc.asyncProperty(settings, fc.nat(8), prefetches, async ({ size, ...options }, cut, [before, after]) => {
        const data = dataset(size);
        const whole = await take(data, { ...options, prefetch: before }, cut + 4);
        const { state } = await take(data, { ...options, prefetch: before }, cut);
        const saved = JSON.parse(JSON.stringify(state));
        const rest = await take(data, { ...options, prefetch: after, state: saved }, 4);
        expect(rest.batches).toEqual(whole.batches.slice(cut));
        expect(rest.state).toEqual(whole.state);
      }),
      { numRuns: 60 },
    );
  });

  test('images, labels and indices belong together; mirrored images are the mirror image', async () => {
    const { batches } = await take(dataset(10), { batchSize: 4, seed: 1, flip: true, groupByClass: true }, 25);
    let mirrored = 0;
    for (const { images, labels, indices } of batches) {
      indices.forEach((index, i) => {
        expect(labels[i]).toBe(labelsOf(10)[index]);
        const image = images.subarray(i * 12, (i + 1) * 12);
        const flipped = image[1] === 2;
        mirrored += Number(flipped);
        const columns = flipped ? [2, 1, 0, 2, 1, 0] : [0, 1, 2, 0, 1, 2];
        expect([...image]).toEqual(columns.flatMap((column) => [index, column]));
      });
    }
    expect(mirrored).toBeGreaterThan(30);
    expect(mirrored).toBeLessThan(70);
  });

  test('a batch grouped by class holds the same samples, sorted by label', async () => {
    const options = { batchSize: 5, seed: 3, flip: true };
    const plain = await take(dataset(11), options, 6);
    const grouped = await take(dataset(11), { ...options, groupByClass: true }, 6);
    grouped.batches.forEach(({ labels, indices }, i) => {
      expect([...labels]).toEqual([...labels].sort((a, b) => a - b));
      expect([...indices].sort()).toEqual([...plain.batches[i].indices].sort());
    });
    expect(grouped.state).toEqual(plain.state);
  });
});

describe('the end of an epoch', () => {
  const sizes = async (remainder: BatchOptions['remainder']) =>
    (await take(dataset(5), { batchSize: 2, seed: 0, remainder }, 6)).batches.map(({ indices, epoch }) => [
      indices.length,
      epoch,
    ]);

  test('carry fills a batch up from the next epoch', async () => {
    expect(await sizes('carry')).toEqual([
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 1],
      [2, 1],
      [2, 2],
    ]);
  });
  test('short gives what is left', async () => {
    expect(await sizes('short')).toEqual([
      [2, 0],
      [2, 0],
      [1, 0],
      [2, 1],
      [2, 1],
      [1, 1],
    ]);
  });
  test('drop leaves out what is left, and goes on from every state', async () => {
    expect(await sizes('drop')).toEqual([
      [2, 0],
      [2, 0],
      [2, 1],
      [2, 1],
      [2, 2],
      [2, 2],
    ]);
    const options = { batchSize: 2, seed: 0, remainder: 'drop' } as const;
    const whole = await take(dataset(5), options, 6);
    for (let cut = 0; cut < 4; cut++) {
      const { state } = await take(dataset(5), options, cut);
      expect((await take(dataset(5), { ...options, state }, 2)).batches).toEqual(whole.batches.slice(cut, cut + 2));
    }
  });
});

describe('seeds', () => {
  test('a generator gives its seed and is not drawn from', async () => {
    const generator = createGenerator(9);
    const a = await take(dataset(8), { batchSize: 8, generator }, 2);
    const b = await take(dataset(8), { batchSize: 8, seed: 9 }, 2);
    expect(a).toEqual(b);
    expect(uniform(generator, 2)).toEqual(uniform(createGenerator(9), 2));
  });
  test('another seed and another epoch give another order', async () => {
    const { batches } = await take(dataset(12), { batchSize: 12, seed: 1 }, 2);
    const other = await take(dataset(12), { batchSize: 12, seed: 2 }, 1);
    expect(batches[1].indices).not.toEqual(batches[0].indices);
    expect(other.batches[0].indices).not.toEqual(batches[0].indices);
  });
});

describe('reading', () => {
  /** Counts reads, and fails where `broken` says so. */
  function watched(size: number, broken: (read: number) => boolean = () => false) {
    const data = dataset(size);
    let reads = 0;
    const read: ImageDataset['read'] = async (indices) => {
      if (broken(reads++)) throw new Error(`read ${reads} failed`);
      return data.read(indices);
    };
    return { data: { ...data, read }, reads: () => reads };
  }

  test('reads ahead as far as asked and no further', async () => {
    for (const prefetch of [0, 1, 3]) {
      const { data, reads } = watched(9);
      const batches = createBatches(data, { batchSize: 2, seed: 0, prefetch });
      expect(reads()).toBe(0);
      await batches.next();
      expect(reads()).toBe(1 + prefetch);
    }
  });

  test('several calls at once come in order', async () => {
    const options = { batchSize: 2, seed: 5, flip: true };
    const batches = createBatches(dataset(7), options);
    const all = await Promise.all([batches.next(), batches.next(), batches.next(), batches.next()]);
    expect(all).toEqual((await take(dataset(7), options, 4)).batches);
  });

  test('a failed read rejects once, keeps the place, and can be tried again', async () => {
    const options = { batchSize: 2, seed: 5, flip: true };
    const { data } = watched(7, (read) => read === 1);
    const batches = createBatches(data, options);
    const first = await batches.next();
    const state = batches.state();
    await expect(batches.next()).rejects.toThrow('read 2 failed');
    expect(batches.state()).toEqual(state);
    expect([first, await batches.next()]).toEqual((await take(dataset(7), options, 2)).batches);
  });

  test('an abort ends a read that hangs', async () => {
    const control = new AbortController();
    const data = { ...dataset(4), read: () => new Promise<Uint8Array>(() => {}) };
    const batches = createBatches(data, { batchSize: 2, seed: 0, signal: control.signal });
    const pending = batches.next();
    control.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    await expect(batches.next()).rejects.toThrow('enough');
  });

  test('a signal that never fires leaves the batches alone', async () => {
    const { signal } = new AbortController();
    expect(await take(dataset(4), { batchSize: 3, seed: 0, signal }, 3)).toEqual(
      await take(dataset(4), { batchSize: 3, seed: 0 }, 3),
    );
  });

  test('closed batches give no more', async () => {
    const batches = createBatches(dataset(4), { batchSize: 2, seed: 0 });
    await batches.next();
    batches.close();
    await expect(batches.next()).rejects.toThrow(/^batches: expected open batches/);
  });
});

describe('refusals', () => {
  const good = createBatches(dataset(5), { batchSize: 2, seed: 3 }).state();
  test.each<[string, Partial<BatchOptions>, RegExp]>([
    ['no batch', { batchSize: 0 }, /^batchSize: expected an integer from 1 to 2147483647, got 0/],
    [
      'batches that drop everything',
      { batchSize: 6, remainder: 'drop' },
      /^batchSize: expected an integer from 1 to 5, got 6/,
    ],
    ['negative prefetch', { prefetch: -1 }, /^prefetch: .*got -1/],
    ['no seed', { seed: undefined }, /^seed: expected a seed or a generator, got none/],
    ['another seed', { state: { ...good, seed: 4 } }, /^state\.seed: expected 3, got 4/],
    ['another size', { state: { ...good, size: 6 } }, /^state\.size: expected 5 images .*got 6/],
    ['other labels', { state: { ...good, labelsHash: 1 } }, /^state\.labelsHash: .*got 1/],
    ['a place past the end', { state: { ...good, position: 5 } }, /^state\.position: .*got 5/],
    ['half an epoch', { state: { ...good, epoch: 0.5 } }, /^state\.epoch: .*got 0.5/],
    ['another form', { state: { ...good, kind: 'x' as 'batches/1' } }, /^state\.kind: .*got "x"/],
  ])('%s', (_, options, message) => {
    expect(() => createBatches(dataset(5), { batchSize: 2, seed: 3, ...options })).toThrow(message);
  });
  test('a dataset without images', () => {
    expect(() => createBatches(dataset(0), { batchSize: 1, seed: 0 })).toThrow(
      /^dataset: expected images in tiny, got none/,
    );
  });
});

describe('readInOrder', () => {
  test('goes through once', async () => {
    const seen: number[] = [];
    for await (const { indices } of readInOrder(dataset(5), { batchSize: 2 })) seen.push(...indices);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    for await (const _ of readInOrder(dataset(0), { batchSize: 2 })) expect.unreachable();
  });
});
