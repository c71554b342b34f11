import { disposeParams } from '@learngene/nn';
import { readFixture, useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patternImages, randomState } from '../test/random-inception';
import { type Evaluation, evaluate, type MetricName } from './evaluate';
import { imageSource } from './image-source';
import { inceptionExtractor } from './inception/extractor';
import { type InceptionParams, inceptionParams } from './inception/params';
import { PROTOCOLS, type Protocol } from './protocols';

interface Whole {
  count: number;
  height: number;
  width: number;
  adm: Record<'fid' | 'sfid' | 'precision' | 'recall' | 'inceptionScore', number>;
  torchFidelity: Record<'fid' | 'inceptionScore' | 'inceptionScoreStd' | 'kid', number>;
  pytorchFid: Record<'fid' | 'fidExact', number>;
  cleanFid: Record<'fid' | 'fidExact' | 'kid', number>;
}

/** What tools/fixtures/make_metrics_protocols.py wrote. */
const whole = readFixture<Whole>(import.meta.url, '../fixtures/protocols.json');

// In plain JavaScript an image of 299 x 299 takes a minute.
describe.skipIf((process.env.LEARNGENE_TEST_BACKEND ?? 'cpu') === 'cpu')('whole evaluations on random weights', () => {
  let params: InceptionParams;
  beforeAll(async () => {
    await useTestBackend();
    params = inceptionParams('weights.pth', randomState());
  }, 60_000);
  afterAll(() => disposeParams(params));

  const { count, height, width } = whole;
  const all = patternImages(2 * count, height, width);
  const part = (start: number) => {
    const size = height * width * 3;
    const data = all.data.subarray(start * size, (start + count) * size);
    return imageSource({ data, count, height, width, channels: 3 });
  };
  const measured = (protocol: Protocol, metrics: readonly MetricName[]): Promise<Evaluation> =>
    evaluate({
      extractor: inceptionExtractor(params, { protocol }),
      reference: part(0),
      samples: part(count),
      metrics,
      convention: PROTOCOLS[protocol].convention,
      kid: { subsetSize: count },
    });
  /** Relative differences that float32 networks allow, on features of one magnitude. */
  const near = (found: number | undefined, expected: number, bound = 1e-4) =>
    expect(Math.abs((found ?? Number.NaN) / expected - 1)).toBeLessThan(bound);

  test("ADM's, stated anew in numpy", { timeout: 300_000 }, async () => {
    const found = await measured('adm', PROTOCOLS.adm.metrics);
    near(found.fid, whole.adm.fid);
    near(found.sfid, whole.adm.sfid);
    near(found.inceptionScore?.mean, whole.adm.inceptionScore);
    expect(found.precisionRecall).toMatchObject({ precision: whole.adm.precision, recall: whole.adm.recall });
  });

  test("torch-fidelity's", { timeout: 300_000 }, async () => {
    const found = await measured('torch-fidelity', ['fid', 'inception-score', 'kid']);
    near(found.fid, whole.torchFidelity.fid);
    near(found.kid?.mean, whole.torchFidelity.kid);
    near(found.inceptionScore?.mean, whole.torchFidelity.inceptionScore);
    near(found.inceptionScore?.std, whole.torchFidelity.inceptionScoreStd, 1e-2);
  });

  test("pytorch-fid's and clean-fid's", { timeout: 300_000 }, async () => {
    const [pytorch, clean] = [await measured('pytorch-fid', ['fid']), await measured('clean-fid', ['fid', 'kid'])];
    near(pytorch.fid, whole.pytorchFid.fid);
    near(pytorch.fid, whole.pytorchFid.fidExact);
    near(clean.fid, whole.cleanFid.fid);
    near(clean.fid, whole.cleanFid.fidExact);
    near(clean.kid?.mean, whole.cleanFid.kid);
  });
});
