import { createGenerator } from '@learngene/random';
import { expectClose, readFixture, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { flowLosses } from './flow-losses';
import { flowMatching } from './flow-matching';
import { flowTimesteps } from './timestep-samplers';

interface FlowFixture {
  seed: number;
  times: { mean: number; std: number; size: number; t: number[] }[];
  loss: {
    shape: [number, number, number, number];
    x0: number[];
    noise: number[];
    t: number[];
    scale: number;
    losses: number[];
    gradient: number;
  };
}

const fixture = readFixture<FlowFixture>(import.meta.url, '../fixtures/flow.json');

beforeAll(useTestBackend);

test.each(fixture.times)(
  'logit-normal times of mean $mean, std $std, $size of them: torch',
  ({ mean, std, size, t }) => {
    const generator = createGenerator(fixture.seed);
    const times = flowTimesteps({ size, generator, distribution: { kind: 'logit-normal', mean, std } });
    expect(times.length).toBe(size);
    for (const [i, time] of times.entries()) expect(Math.abs(time - t[i])).toBeLessThan(2e-7);
  },
);

test('the loss of a velocity and its gradient: torch', () => {
  const { shape, x0, noise, t, scale, losses, gradient } = fixture.loss;
  const batch = { x0: tf.tensor4d(x0, shape), noise: tf.tensor4d(noise, shape), t: Float32Array.from(t) };
  const network = (parameter: tf.Tensor) => (x: tf.Tensor4D, time: tf.Tensor1D) =>
    tf.add<tf.Tensor4D>(tf.mul(x, parameter), tf.reshape(tf.div(time, 1000), [-1, 1, 1, 1]));
  const each = flowLosses(flowMatching(), network(tf.scalar(scale)), batch).loss;
  expectClose(each, losses);
  const slope = tf.grad((parameter) => tf.mean(flowLosses(flowMatching(), network(parameter), batch).loss));
  expectClose(slope(tf.scalar(scale)), [gradient]);
});
