import { valueAndGrad } from '@learngene/nn';
import { readFixture, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { meanSquaredErrors, type ReconstructionWeights, reconstructionLosses } from './reconstruction';

beforeAll(useTestBackend);

interface Packed {
  shape: number[];
  values: number[];
}

const fixture = readFixture<{
  weights: ReconstructionWeights;
  images: Packed;
  rebuilt: Packed;
  mean: Packed;
  logVariance: Packed;
  losses: Packed;
  terms: Record<keyof ReconstructionWeights, Packed>;
  grads: Record<'rebuilt' | 'mean' | 'logVariance', Packed>;
}>(import.meta.url, '../../fixtures/reconstruction.json');

const tensor = ({ values, shape }: Packed): tf.Tensor4D => tf.tensor(values, shape as [number, number, number, number]);
const NONE: ReconstructionWeights = { l1: 0, mse: 0, gradient: 0, latent: 0, kl: 0 };

async function expectClose(came: tf.Tensor, { values }: Packed): Promise<void> {
  const got = await came.data();
  expect(got.length).toBe(values.length);
  values.forEach((value, i) => {
    expect(Math.abs(got[i] - value)).toBeLessThan(1e-6 + 1e-5 * Math.abs(value));
  });
}

describe('reconstructionLosses', () => {
  const images = () => tensor(fixture.images);
  const inputs = () => ({
    rebuilt: tensor(fixture.rebuilt),
    mean: tensor(fixture.mean),
    logVariance: tensor(fixture.logVariance),
  });

  test.each(Object.keys(NONE) as (keyof ReconstructionWeights)[])('%s alone is what torch gives', async (name) => {
    const { rebuilt, ...posterior } = inputs();
    const losses = tf.tidy(() =>
      reconstructionLosses({ images: images(), rebuilt, posterior }, { ...NONE, [name]: 1 }),
    );
    await expectClose(losses, fixture.terms[name]);
  });

  test('the sum and its gradients are what torch gives, also where an error is 0', async () => {
    const { value, grads } = valueAndGrad(
      ({ rebuilt, ...posterior }) =>
        tf.mean(reconstructionLosses({ images: images(), rebuilt, posterior }, fixture.weights)) as tf.Scalar,
      inputs(),
    );
    const { values } = fixture.losses;
    expect((await value.data())[0]).toBeCloseTo((values[0] + values[1]) / 2, 5);
    for (const name of ['rebuilt', 'mean', 'logVariance'] as const) await expectClose(grads[name], fixture.grads[name]);
  });
});

test('meanSquaredErrors cuts off what no pixel can show', async () => {
  const images = tf.tensor4d([1, -1, 0, 0.5], [2, 1, 2, 1]);
  const rebuilt = tf.tensor4d([3, -1, 1, 0.5], [2, 1, 2, 1]);
  expect([...(await meanSquaredErrors(images, rebuilt).data())]).toEqual([0, 0.125]);
});
