import { createGenerator, randomIntegers } from '@learngene/random';
import { expect, test } from 'vitest';
import type { MetricName } from './evaluate';
import { evaluateProtocol, type ProtocolInputs, protocolLack } from './evaluate-protocol';
import { imageSource } from './image-source';
import { kernelDistance } from './kernel-distance';
import type { Protocol } from './protocols';
import { measureReference } from './reference';
import type { FeatureExtractor, ImageBatch } from './types';

const SIZE = 12;

function images(seed: number, count: number, high = 256): ImageBatch {
  const data = Uint8Array.from(randomIntegers(createGenerator(seed), count * SIZE, { high }));
  return { data, count, height: 2, width: 2, channels: 3 };
}

/** Pixels as features; the first 4 are "spatial", the first 3 "logits". */
const pixels: FeatureExtractor = {
  ...{ name: 'pixels', dims: SIZE, spatialDims: 4, classes: 3 },
  async extract({ data, count }) {
    const head = (size: number) =>
      Float32Array.from({ length: count * size }, (_, i) => data[Math.floor(i / size) * SIZE + (i % size)] / 64);
    return { features: head(SIZE), spatial: head(4), logits: head(3) };
  },
};

const stored = { features: true, spatial: false };
const both = (samples: number, reals: number): ProtocolInputs => ({ samples, reference: { images: reals } });

test.each<[Protocol, MetricName, ProtocolInputs, string | undefined]>([
  ['adm', 'kid', both(9, 9), 'adm does not compute kid'],
  ['pytorch-fid', 'inception-score', both(9, 9), 'pytorch-fid does not compute inception-score'],
  ['clean-fid', 'sfid', both(9, 9), 'clean-fid does not compute sfid'],
  ['torch-fidelity', 'inception-score', both(9, 9), 'makes 10 splits, and there are 9 samples'],
  ['adm', 'inception-score', { samples: 1 }, undefined],
  ['adm', 'fid', both(1, 9), 'fid needs at least 2 samples, and there is 1'],
  ['adm', 'fid', both(9, 1), 'fid needs at least 2 images of the reference, and there is 1'],
  ['adm', 'fid', { samples: 9 }, 'fid needs a reference'],
  ['adm', 'fid', { samples: 9, reference: { stored } }, undefined],
  ['adm', 'sfid', { samples: 9, reference: { stored } }, 'the reference has statistics of other features only'],
  ['adm', 'sfid', { samples: 9, reference: { stored, images: 9 } }, undefined],
  ['adm', 'precision-recall', { samples: 9, reference: { stored } }, 'the reference has mu and sigma alone'],
  ['adm', 'precision-recall', { samples: 9, reference: { stored: { ...stored, vectors: 9 } } }, undefined],
  ['adm', 'precision-recall', both(9, 3), 'at least 4 images of both sets, and there are 9 samples and 3'],
  ['torch-fidelity', 'kid', both(2000, 999), 'at least 1000 images of both sets'],
  ['clean-fid', 'kid', both(2, 9), undefined],
])('%s, %s of %o: %s', (protocol, metric, inputs, why) => {
  const found = protocolLack(protocol, metric, inputs);
  if (why === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(why);
});

test('a metric that was asked for is refused by name; of all those of the program it is left out with a warning', async () => {
  const inputs = { extractor: pixels, samples: imageSource(images(2, 12)), reference: imageSource(images(1, 11)) };
  const asked = evaluateProtocol({ protocol: 'torch-fidelity', ...inputs, metrics: ['fid', 'kid'] });
  await expect(asked).rejects.toThrow('metrics: kid: torch-fidelity needs at least 1000 images of both sets');
  const all = await evaluateProtocol({ protocol: 'torch-fidelity', ...inputs });
  expect(all).not.toHaveProperty('kid');
  expect(all.warnings[0]).toMatch(/^left out: kid: torch-fidelity needs at least 1000 images/);
  expect(all).toMatchObject({ convention: 'torch-fidelity', sampleCount: 12, referenceCount: 11 });
  const unknown = evaluateProtocol({ protocol: 'tf' as Protocol, ...inputs });
  await expect(unknown).rejects.toThrow('protocol: expected adm, torch-fidelity, pytorch-fid, clean-fid, got "tf"');
});

test('KID of clean-fid takes as many as both sets have', async () => {
  const [a, b] = [images(2, 12), images(1, 11)];
  const inputs = { extractor: pixels, samples: imageSource(a), reference: imageSource(b) };
  const { kid } = await evaluateProtocol({ protocol: 'clean-fid', ...inputs, metrics: ['kid'] });
  const set = async (batch: ImageBatch) => {
    const { features } = await pixels.extract(batch);
    return { data: features, count: batch.count, dims: SIZE };
  };
  expect(kid).toEqual(kernelDistance(await set(a), await set(b), { subsetSize: 11 }));
});

test('statistics that were measured give the figures of the images, and come before them', async () => {
  const reference = imageSource(images(1, 30));
  const inputs = { protocol: 'adm' as const, extractor: pixels, samples: imageSource(images(2, 25)) };
  const direct = await evaluateProtocol({ ...inputs, reference });
  const measured = await measureReference({ extractor: pixels, images: reference, batchSize: 7 });
  const { features, spatial, vectors } = measured;
  expect(vectors).toMatchObject({ count: 30, dims: SIZE });
  const kept = await evaluateProtocol({ ...inputs, reference: measured });
  for (const figure of ['fid', 'sfid'] as const) expect(kept[figure]).toBeCloseTo(direct[figure] ?? -1, 10);
  expect(kept.precisionRecall).toEqual(direct.precisionRecall);
  // Other images beside mu and sigma: FID is of the statistics, sFID, precision and recall of the images.
  const other = imageSource(images(3, 20));
  const mixed = await evaluateProtocol({ ...inputs, reference: { features, images: other } });
  const others = await evaluateProtocol({ ...inputs, reference: other });
  expect(mixed.fid).toBe(kept.fid);
  expect([mixed.sfid, mixed.precisionRecall]).toEqual([others.sfid, others.precisionRecall]);
  expect(mixed.fid).not.toBe(others.fid);
  const alone = await evaluateProtocol({ ...inputs, reference: { features, spatial } });
  expect(alone).not.toHaveProperty('precisionRecall');
  expect(alone.warnings).toContain(
    'left out: precision-recall needs the features of every real image, and the reference has mu and sigma alone',
  );
});
