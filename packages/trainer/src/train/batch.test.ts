import { parseConfig } from '@learngene/pipeline';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { prepareBatch } from './batch';

beforeAll(useTestBackend);

const labels = Int32Array.of(2, 0, 1, 2, 0, 1, 1, 2);
const images = new Uint8Array(labels.length * 4).map((_, i) =>
  i % 4 === 0 ? 10 * labels[Math.floor(i / 4)] + Math.floor(i / 4) : 255,
);
const prepare = (labelDropout: number, nullGate: 'learngenes' | 'own-class' = 'learngenes', seed = 3) =>
  prepareBatch({ images, labels }, [2, 2, 1], {
    generator: createGenerator(seed),
    model: parseConfig({ model: { labelDropout, nullGate } }, 'test').model,
  });

describe('prepareBatch', () => {
  test('orders by class, keeps the order inside a class, and moves the pictures along', async () => {
    const batch = prepare(0);
    expect([...batch.labels]).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
    expect([...batch.dropped]).toEqual(new Array(8).fill(0));
    const values = await batch.x0.data();
    expect(batch.x0.shape).toEqual([8, 2, 2, 1]);
    const first = Array.from({ length: 8 }, (_, i) => Math.round((values[i * 4] + 1) * 127.5));
    expect(first).toEqual([1, 4, 12, 15, 16, 20, 23, 27]);
    expect(values[1]).toBe(1);
    tf.dispose([batch.x0, batch.noise]);
  });
  test('samples without a label come first where they use the learngenes alone', () => {
    const batch = prepare(0.5);
    const count = batch.dropped.reduce((a, b) => a + b);
    expect(count).toBeGreaterThan(0);
    expect([...batch.dropped]).toEqual([...new Array(count).fill(1), ...new Array(8 - count).fill(0)]);
    const rest = [...batch.labels.subarray(count)];
    expect(rest).toEqual([...rest].sort());
    tf.dispose([batch.x0, batch.noise]);
  });
  test('and stay with their class where they use its tailors', () => {
    const batch = prepare(0.5, 'own-class');
    expect([...batch.labels]).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
    tf.dispose([batch.x0, batch.noise]);
  });
  test('repeats with its generator and leaves nothing behind', async () => {
    await expectNoLeak(() => {
      const [a, b, c] = [prepare(0.3), prepare(0.3), prepare(0.3, 'learngenes', 4)];
      expect(a.noise.dataSync()).toEqual(b.noise.dataSync());
      expect(a.noise.dataSync()).not.toEqual(c.noise.dataSync());
      for (const { x0, noise } of [a, b, c]) tf.dispose([x0, noise]);
    });
  });
});
