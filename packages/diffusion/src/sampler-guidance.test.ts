import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Denoiser } from './denoiser';
import { guideDenoiser } from './guidance';
import { drawNoise } from './noise';
import { gaussianDiffusion } from './process';
import { sampleDdim } from './sample-ddim';

const process = gaussianDiffusion({ timesteps: 100 });
const noise = () => drawNoise(createGenerator(2), [2, 2, 2, 3]);
const smooth: Denoiser = (x, t) =>
  tf.mul<tf.Tensor4D>(tf.tanh(tf.add(x, tf.mul(tf.reshape(t, [-1, 1, 1, 1]), 1e-3))), 0.8);

beforeAll(useTestBackend);

describe('guidance', () => {
  const conditional: Denoiser = (x) => tf.concat([tf.mul(x, 2), tf.mul(x, 3)], 3);
  const unconditional: Denoiser = (x) => tf.concat([tf.mul(x, 0.5), tf.mul(x, 7)], 3);
  const batched: Denoiser = (x, t) => {
    const half = x.shape[0] / 2;
    expect(t.shape[0]).toBe(x.shape[0]);
    const [a, b] = tf.split<tf.Tensor4D>(x, 2, 0);
    expect(a.shape[0]).toBe(half);
    return tf.concat([conditional(a, t), unconditional(b, t)], 0);
  };
  const forms = [
    ['two calls', { conditional, unconditional }],
    ['doubled batch', { batched }],
  ] as const;
  const time = () => tf.tensor1d([10, 90]);

  test.each(forms)('%s: ε is guided, the variance is not', (_, form) => {
    const x = noise();
    const guided = guideDenoiser(form, { scale: 3 })(x, time());
    expectClose(guided, tf.concat([tf.mul(x, 0.5 + 3 * 1.5), tf.mul(x, 3)], 3), { rtol: 1e-4 });
  });
  test.each(forms)('%s: some channels', (_, form) => {
    const x = noise();
    const guided = guideDenoiser(form, { scale: 3, channels: 2 })(x, time());
    const factors = tf.tensor1d([5, 5, 2, 3, 3, 3]);
    expectClose(guided, tf.mul(tf.concat([x, x], 3), factors), { rtol: 1e-4 });
  });
  test.each(forms)('%s: scale 1 is conditional, 0 unconditional', (_, form) => {
    const x = noise();
    const plain = conditional(x, time());
    expectClose(guideDenoiser(form, { scale: 1 })(x, time()), plain);
    const [eps] = tf.split(guideDenoiser(form, { scale: 0 })(x, time()), 2, 3);
    expectClose(eps, tf.mul(x, 0.5));
  });
  test.each(forms)('%s: each sample is guided inside the interval only', (_, form) => {
    const x = noise();
    const guided = guideDenoiser(form, { scale: 3, interval: [10, 50] })(x, time());
    const factor = tf.tensor4d([5, 2], [2, 1, 1, 1]);
    const [eps] = tf.split(guided, 2, 3);
    expectClose(eps, tf.mul(x, factor), { rtol: 1e-4 });
  });
  test('in a sampler, the unconditional network rests outside the interval', async () => {
    const seen: number[] = [];
    const counted: Denoiser = (x, t) => {
      seen.push(t.dataSync()[0]);
      return smooth(x, t);
    };
    const pair = { conditional: smooth, unconditional: counted };
    const denoiser = guideDenoiser(pair, { scale: 2, interval: [30, 60] });
    await sampleDdim(process, denoiser, { noise: noise(), steps: 10 });
    expect(seen).toEqual([60, 50, 40, 30]);
  });
  test('the doubled batch has a shortcut outside the interval', async () => {
    const calls = { doubled: 0, single: 0 };
    const counted = (kind: 'doubled' | 'single') => (x: tf.Tensor4D, t: tf.Tensor1D) => {
      calls[kind]++;
      return smooth(x, t);
    };
    const denoiser = guideDenoiser(
      { batched: counted('doubled'), conditional: counted('single') },
      { scale: 2, interval: [30, 60] },
    );
    await sampleDdim(process, denoiser, { noise: noise(), steps: 10 });
    expect(calls).toEqual({ doubled: 4, single: 6 });
  });
  test('leaks nothing and checks its settings', async () => {
    const [x, t] = [noise(), time()];
    await expectNoLeak(() => guideDenoiser({ batched }, { scale: 2, channels: 1, interval: [0, 50] })(x, t).dispose());
    expect(() => guideDenoiser({ batched }, { scale: Number.NaN })).toThrow('scale: expected');
    expect(() => guideDenoiser({ batched }, { scale: 1, interval: [2, 1] })).toThrow('interval: expected');
    expect(() => guideDenoiser({ batched }, { scale: 2, channels: 9 })(x, t)).toThrow('channels: expected');
    expect(() => guideDenoiser({ batched: () => x }, { scale: 2 })(x, t)).toThrow('batched: expected an output of 4');
  });
});
