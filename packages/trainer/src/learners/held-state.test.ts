import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { heldState } from './held-state';

beforeAll(useTestBackend);

test('a state whose first use is inside a tidy lives on after it', async () => {
  await expectNoLeak(() => {
    const held = heldState(
      () => ({ params: { a: { weight: tf.tensor1d([1, 2]) } }, step: 0 }),
      ({ params }) => params.a.weight.dispose(),
    );
    const sum = tf.tidy(() => tf.sum(held.get().params.a.weight));
    expect([...held.get().params.a.weight.dataSync()]).toEqual([1, 2]);
    expect(held.peek()).toBe(held.get());
    sum.dispose();
    held.dispose();
  });
});
