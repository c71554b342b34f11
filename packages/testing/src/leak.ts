import * as tf from '@tensorflow/tfjs-core';

/**
 * Runs `work` twice and asserts that the second run leaves no tensor and no data behind. The first run may fill caches.
 * `work` must dispose the results that it owns.
 */
export async function expectNoLeak(work: () => void | Promise<void>): Promise<void> {
  await work();
  const before = tf.memory();
  await work();
  const after = tf.memory();
  if (after.numTensors !== before.numTensors || after.numDataBuffers !== before.numDataBuffers) {
    throw new Error(
      `leaked ${after.numTensors - before.numTensors} tensors, ${after.numDataBuffers - before.numDataBuffers} buffers`,
    );
  }
}
