import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it as test } from 'vitest';
import { finishWork } from './finish';

afterEach(() => tf.removeBackend('queued'));

async function calls(queued: object): Promise<void> {
  tf.registerBackend('queued', () => queued as never);
  await tf.setBackend('queued');
  await finishWork();
}

test('waits for kernels of the native engine and for the queue of WebGPU', async () => {
  const called: string[] = [];
  const dispose = () => {};
  await calls({ dispose, finish: () => called.push('finish') });
  expect(called).toEqual(['finish']);
  tf.removeBackend('queued');
  await calls({
    dispose,
    submitQueue: () => called.push('submit'),
    queue: { onSubmittedWorkDone: async () => called.push('done') },
  });
  expect(called).toEqual(['finish', 'submit', 'done']);
});

test('has nothing to wait for where ops compute at once', async () => {
  await expect(calls({ dispose: () => {} })).resolves.toBeUndefined();
});
